# The Archive Agent from end to end on real mail, line by line of what it promises. Blocks go on from one another; each begins with a database that is whole.
BeforeDiscovery { . $PSScriptRoot/Support.ps1 }
BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder archiverunbook
    Push-Location $place
    $users = 'alice', 'bob', 'carol', 'dave'
    $each = 150
    if ($CorpusFolder) {
        # The corpus as mboxes of 150 messages: Latin-1 keeps every byte.
        $latin = [Text.Encoding]::Latin1
        $zip = [IO.Compression.GZipStream]::new([IO.File]::OpenRead("$CorpusFolder/ham.mbox.gz"), [IO.Compression.CompressionMode]::Decompress)
        $text = [IO.StreamReader]::new($zip, $latin).ReadToEnd(); $zip.Dispose()
        $starts = [regex]::Matches($text, '(?m)^From ').ForEach({ $_.Index })
        foreach ($n in 0..3) { [IO.File]::WriteAllText("$place/$($users[$n]).mbox", $text.Substring($starts[$n * $each], $starts[($n + 1) * $each] - $starts[$n * $each]), $latin) }
        $text = $null
        $Digests = [IO.File]::ReadAllLines("$CorpusFolder/ham.tsv").Where({ $_ -notmatch '^#' }).ForEach({ ($_ -split "`t")[1] }) | Select-Object -First ($each * 4) | Sort-Object
    }

    function New-Filled([string] $Path) {
        $database = New-MessageDatabase $Path -StorageGroup SG1, SG2 -PassThru
        foreach ($user in $users) { (Import-StoredMessage $database $user "$place/$user.mbox").Imported | Should -Be $each }
        $database
    }
    function Assert-Whole($Database) {
        # Every message once, readable byte for byte wherever it lies.
        $folder = "$place/out-$([guid]::NewGuid().ToString('n'))"
        (Export-StoredMessage $Database * $folder).Failed | Should -Be 0
        @(Compare-Object $Digests @(Get-Digest (Get-ChildItem $folder -Recurse -File).FullName)).Count | Should -Be 0
        Remove-Item $folder -Recurse
    }
    function Get-ErrorId([scriptblock] $Command) {
        @(try { & $Command 2>&1 } catch { $_ }).Where({ $_ -is [Management.Automation.ErrorRecord] }).ForEach({ ($_.FullyQualifiedErrorId -split ',')[0] })
    }
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe 'Line 1 and 2: what is archived' -Skip:([bool]$CorpusIsMissing) {
    BeforeAll { $db = New-Filled ./criteria; $all = Get-StoredMessage $db }

    It 'goes by all criteria together' {
        $all | Where-Object Mailbox -EQ alice | Select-Object -First 40 | Set-StoredMessage -IsRead $true
        $all | Where-Object Mailbox -EQ alice | Select-Object -First 5 | Set-StoredMessage -IsFlagged $true
        $all | Where-Object Mailbox -EQ alice | Select-Object -Skip 30 -First 5 | Move-StoredMessage -Folder 'Work/Old'
        $expected = Get-StoredMessage $db alice | Where-Object { $_.IsRead -and $_.Flags -notmatch 'Flagged' -and $_.Size -ge 3000 -and $_.Folder -eq 'Inbox' }
        $expected.Count | Should -BeGreaterThan 3
        $run = Start-MessageArchive $db -Mailbox a* -ReadState Read -KeepFlagged -MinimumSize 3000 -Folder In* -OlderThan 365.00:00:00
        $run.Moved | Should -Be $expected.Count
        Compare-Object (Get-StoredMessage $db -Archived).Id $expected.Id | Should -BeNullOrEmpty
    }

    It 'goes by the policies of database and mailbox, and -WhatIf says for each mailbox how many and how much' {
        Set-MessageDatabase $db -ArchiveOlderThan 365.00:00:00 -ArchiveReadState Unread -RetainFor 3650.00:00:00
        Set-StoredMailbox $db dave -NeverArchive $true
        $said = pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; `$null = Start-MessageArchive '$place/criteria' -WhatIf"
        $said | Should -HaveCount 3
        $said[1] | Should -Match "Archive $each messages \(.+\).*`"bob`""
        (Get-StoredMessage $db bob -Archived) | Should -BeNullOrEmpty
        $run = Start-MessageArchive $db
        $run.Receipts.Mailbox | Should -Be 'alice', 'bob', 'carol'
        (Get-StoredMessage $db dave -Archived) | Should -BeNullOrEmpty
        (Get-StoredMessage $db alice | Where-Object { -not $_.IsArchived }).IsRead | Should -Not -Contain $false
        (Get-ArchiveKey $db bob)[0].DeletionDate | Should -BeGreaterThan ([DateTimeOffset]::Now.AddDays(3649))
        Assert-Whole $db
    }

    It 'goes down to a target size, oldest first' {
        $null = Restore-ArchivedMessage $db *
        $size = (Get-MessageDatabase $db).HotBytes
        $run = Start-MessageArchive $db -TargetSize ($size / 3)
        $run.Note | Should -Match 'older than [\d.]+ days'
        (Get-MessageDatabase $db).HotBytes | Should -BeLessOrEqual ($size / 3)
        (Get-StoredMessage $db -Archived | Measure-Object ReceivedDate -Maximum).Maximum | Should -BeLessThan $run.Limit
        (Get-StoredMessage $db | Where-Object { -not $_.IsArchived } | Measure-Object ReceivedDate -Minimum).Minimum | Should -BeGreaterOrEqual $run.Limit
        Assert-Whole $db
    }
}

Describe 'Line 3, 4 and 5: a run that is stopped or killed' -Skip:([bool]$CorpusIsMissing) {
    It 'is finished by the next, and nothing is lost or there twice' {
        $db = New-Filled ./stopped
        $job = Start-MessageArchive $db -Before 2020-01-01 -Seekers 2 -Archivers 1 -AsJob
        Stop-Job $job; Remove-Job $job -Force
        $stopped = @(Get-StoredMessage $db -Archived).Count
        $next = Start-MessageArchive $db -Before 2020-01-01 -Archivers 3
        $stopped + $next.Moved | Should -Be ($each * 4)
        $next.Archivers | Should -Be 3
        (Test-MessageArchive $db).Result | Should -Be 'Whole'
        Assert-Whole $db
    }

    It 'may be killed with its process' {
        $db = New-Filled ./killed
        $run = Start-Pwsh $place "Start-MessageArchive '$place/killed' -Before 2020-01-01 -Archivers 1"
        Wait-Until { $run.Process.HasExited -or (Get-ChildItem ./killed/archive -Recurse -Filter *.mbox.gz) } -Seconds 120 | Should -BeTrue
        if (-not $run.Process.HasExited) { $run.Process.Kill(); $run.Process.WaitForExit() }
        $next = Start-MessageArchive $db -Before 2020-01-01
        $next.Failed | Should -Be 0
        (Get-MessageDatabase $db).ArchivedMessageCount | Should -Be ($each * 4)
        (Test-MessageArchive $db).Records | Should -Be ($each * 4)
        Assert-Whole $db
    }
}

Describe 'Line 6: an archive in trouble' -Skip:([bool]$CorpusIsMissing) {
    BeforeAll { $db = New-Filled ./trouble }

    It 'touches nothing where the folder is away' {
        Rename-Item ./trouble/archive away
        Get-ErrorId { Start-MessageArchive $db -Before 2020-01-01 } | Should -Be 'ArchiveUnavailable'
        (Import-StoredMessage $db dave "$place/dave.mbox").Imported | Should -Be $each
        Get-StoredMessage $db dave | Select-Object -Last $each | Remove-StoredMessage -Confirm:$false
        Assert-Whole $db
        Rename-Item ./trouble/away archive
    }

    It 'names in the receipts who failed and why, who is held and who is barred, and the others go on' {
        (Start-MessageArchive $db -Mailbox bob -MinimumSize 4000 -Before 2020-01-01).Moved | Should -BeGreaterThan 10
        Move-Item ./trouble/archive/bob $place/bob-away
        $null = Add-MessageHold $db carol -Reason 'Case 12.'
        $null = Block-MessageArchive $db dave -Reason 'Left the company.'
        $run = Start-MessageArchive $db -Before 2020-01-01 -ErrorVariable trouble -ErrorAction SilentlyContinue
        $run.Receipts.Mailbox | Should -Be $users
        $run.Moved | Should -Be ($each * 3)
        $receipt = @{}; $run.Receipts | ForEach-Object { $receipt[$_.Mailbox] = $_ }
        $receipt.alice.Reason | Should -BeNullOrEmpty
        $receipt.bob.Failed | Should -BeGreaterThan 0
        $receipt.bob.Reason | Should -Match 'missing or empty.*Bring the file back'
        $receipt.carol.Reason | Should -Match 'held by .*Case 12\.'
        $receipt.dave.Reason | Should -Match 'barred by .*Left the company\.'
        $trouble.FullyQualifiedErrorId | Should -BeLike 'ArchiveFailed,*'
        ($run.Receipts | Format-Table -Wrap | Out-String -Width 100) -replace '\s+', ' ' | Should -Match 'held by .*Case 12\.'
        # One error for the missing file, not one for each message in it.
        Export-StoredMessage $db bob ./half -ErrorVariable lost -ErrorAction SilentlyContinue | ForEach-Object Failed | Should -BeGreaterThan 10
        @($lost).FullyQualifiedErrorId | Should -BeLike 'ArchiveFileMissing,*'
        @($lost).Count | Should -Be 1
    }

    It 'goes on when the file is back, and moves a damaged tail aside' {
        Move-Item $place/bob-away $place/trouble/archive/bob
        $file = (Get-MessageArchive $db bob).Files[0]
        [IO.File]::AppendAllText($file, 'half a record')
        $run = Start-MessageArchive $db -Before 2020-01-01
        $run.Receipts.Mailbox | Should -Be 'bob'
        $run.Receipts[0].Reason | Should -Match 'damaged bytes at offset .* were moved to .*\.damaged-'
        (Get-ChildItem ./trouble/archive/bob -Filter *.damaged-* | Get-Content -Raw) | Should -Be 'half a record'
        $null = Unblock-MessageArchive $db dave
        Assert-Whole $db
    }
}

Describe 'Line 7 and 8: access, holds and the end of mail' -Skip:([bool]$CorpusIsMissing) {
    BeforeAll { $db = New-Filled ./life; $null = Start-MessageArchive $db -Before 2020-01-01 -RetainFor 3650.00:00:00 }

    It 'reads, lists and exports what is archived, and bars it by name' {
        Assert-Whole $db
        $null = Block-MessageArchive $db a* -Reason 'Audit.'
        Get-StoredMessage $db alice | Should -HaveCount $each
        Get-ErrorId { Export-StoredMessage $db alice ./barred } | Sort-Object -Unique | Should -Be 'ArchiveAccessDenied'
        (Get-MessageArchive $db alice).BlockReason | Should -Be 'Audit.'
        $null = Unblock-MessageArchive $db a*
        (Export-StoredMessage $db alice ./open).Failed | Should -Be 0
    }

    It 'brings mail back by identity, by date and from a search, and archives it again without a second record' {
        $found = Find-StoredMessage $db 'perl is:archived' | Select-Object -First 3
        $found | Should -HaveCount 3
        $back = $found | Restore-ArchivedMessage
        Compare-Object $back.Id $found.Id | Should -BeNullOrEmpty
        $one = Get-StoredMessage $db carol -Archived | Select-Object -Last 1
        (Restore-ArchivedMessage $db -Id $one.Id).IsArchived | Should -BeFalse
        $expected = @(Get-StoredMessage $db bob -Archived | Where-Object ReceivedDate -GE ([datetimeoffset]'2002-09-01')).Count
        @(Restore-ArchivedMessage $db bob -ReceivedAfter 2002-09-01).Count | Should -Be $expected
        $size = (Get-ChildItem ./life/archive -Recurse -Filter *.mbox.gz | Measure-Object Length -Sum).Sum
        $null = Start-MessageArchive $db -Before 2020-01-01 -RetainFor 3650.00:00:00
        (Get-ChildItem ./life/archive -Recurse -Filter *.mbox.gz | Measure-Object Length -Sum).Sum | Should -Be $size
        Assert-Whole $db
    }

    It 'holds what a search finds' {
        $found = Find-StoredMessage $db 'is:archived' -Mailbox alice -Text list | Select-Object -First 4
        $hold = $found | Add-MessageHold -Reason 'Case 12.'
        $hold.MessageCount | Should -Be 4
        Get-ErrorId { $found | Remove-StoredMessage -Confirm:$false } | Sort-Object -Unique | Should -Be 'MessageOnHold'
        $script:held = $found
    }

    It 'gives the space of deleted mail and of a removed mailbox back, but for what is held' {
        Get-StoredMessage $db alice | Where-Object Id -NotIn $held.Id | Remove-StoredMessage -Confirm:$false
        Remove-StoredMailbox $db dave -Confirm:$false
        $test = Test-MessageArchive $db
        $test.Result, $test.Deleted, $test.Orphans | Should -Be 'Whole', (2 * $each - 4), 0
        (Remove-ExpiredMessage $db -Confirm:$false).Reclaimed | Should -Be 0 -Because 'a restore may still want it'
        $run = Remove-ExpiredMessage $db -KeepDeletedFor 0 -Confirm:$false
        $run.Reclaimed, $run.Failed, $run.FilesDeleted, $run.FilesRewritten | Should -Be (2 * $each - 4), 0, 1, 1
        $run.BytesFreed | Should -Be $test.DeletedBytes
        ($run.Receipts | Where-Object Mailbox -EQ dave).Reclaimed | Should -Be $each
        Test-Path ./life/archive/dave | Should -BeFalse
        (Get-StoredMessage $db alice).Id | Sort-Object | Should -Be ($held.Id | Sort-Object)
        (Export-StoredMessage $db * ./kept).Failed | Should -Be 0
        (Get-ChildItem ./kept -Recurse -File).Count | Should -Be (2 * $each + 4)
        $after = Test-MessageArchive $db
        $after.Result, $after.Deleted, $after.Orphans, $after.FindingCount | Should -Be 'Whole', 0, 0, 0
    }
}

Describe 'Line 10 and 11: archives that stand by themselves' -Skip:([bool]$CorpusIsMissing) {
    BeforeAll { $db = New-Filled ./files; $null = Start-MessageArchive $db -Before 2020-01-01 }

    It 'makes all keys anew from the files alone' {
        Remove-Item ./files/keys -Recurse -Force
        $test = Test-MessageArchive $db -Rebuild
        $test.Result, $test.KeysRebuilt | Should -Be 'Repaired', ($each * 4)
        (Test-MessageArchive $db).Result | Should -Be 'Whole'
        Assert-Whole $db
    }

    It 'writes a whole archive to one mbox and to a folder of .eml' {
        (Export-StoredMessage $db alice ./alice-archive.mbox -Format Mbox -Archived).Exported | Should -Be $each
        (Import-StoredMessage $db copy ./alice-archive.mbox).Imported | Should -Be $each
        (Export-StoredMessage $db alice ./alice-archive -Archived).Exported | Should -Be $each
        Compare-Object (Get-Digest (Get-ChildItem ./alice-archive -Recurse -File).FullName) @((Get-StoredMessage $db copy).Sha256 | Sort-Object) | Should -BeNullOrEmpty
    }

    It 'is read by mutt as it lies' -Skip:(-not ((Get-Command mutt -ErrorAction Ignore) -and (Get-Command script -ErrorAction Ignore))) {
        $file = (Get-MessageArchive $db bob).Files[0]
        Set-Content ./muttrc @"
set folder=$place
set sort=mailbox-order mbox_type=mbox quit=yes copy=yes delete=no
unset confirmappend confirmcreate resolve wait_key beep mark_old
open-hook \\.gz$ "gzip -cd '%f' > '%t'"
push "<tag-pattern>~A<enter><tag-prefix><copy-message>$place/mutt.mbox<enter><quit>"
"@
        $env:TERM = 'xterm'
        $null = script -qec "HOME='$place' mutt -n -R -F '$place/muttrc' -f '$file'" /dev/null
        $LASTEXITCODE | Should -Be 0
        (Import-StoredMessage $db bymutt ./mutt.mbox).Imported | Should -Be $each
        Compare-Object (Get-StoredMessage $db bob).MessageIdHeader (Get-StoredMessage $db bymutt).MessageIdHeader | Should -BeNullOrEmpty
    }
}
