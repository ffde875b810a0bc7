BeforeDiscovery { . $PSScriptRoot/Support.ps1 }
BeforeAll {
    . $PSScriptRoot/Support.ps1

    function Get-SegmentBytes { (Get-ChildItem ./mail/store -Recurse -Filter *.seg | Measure-Object Length -Sum).Sum }

    function Edit-Segment {
        # Flips a bit in the text of a stored message, or in its summary, which comes first.
        param([string] $Text, [switch] $InSummary)
        foreach ($file in Get-ChildItem ./mail/store -Recurse -Filter *.seg) {
            $bytes = [IO.File]::ReadAllBytes($file.FullName)
            $characters = [Text.Encoding]::Latin1.GetString($bytes)
            $at = $InSummary ? $characters.IndexOf($Text, [StringComparison]::Ordinal) : $characters.LastIndexOf($Text, [StringComparison]::Ordinal)
            if ($at -lt 0) { continue }
            $bytes[$at] = $bytes[$at] -bxor 4
            [IO.File]::WriteAllBytes($file.FullName, $bytes)
            return $file.FullName
        }
        throw "No segment holds '$Text'."
    }
}

Describe 'Upkeep' {
    BeforeEach {
        $place = New-TestFolder upkeep
        Push-Location $place
        $null = New-MessageDatabase ./mail -StorageGroup SG1
        $null = New-Item -ItemType Directory ./letters
        1..12 | ForEach-Object { [IO.File]::WriteAllText("$place/letters/$_.eml", (New-Mail $_ -Size 30000)) }
        $null = Import-StoredMessage ./mail alice ./letters
    }
    AfterEach { Pop-Location; Remove-TestFolder $place }

    It 'gives the space of archived mail back, and says first how much' {
        $null = Start-MessageArchive ./mail -Before 2003-01-01
        $before = Get-SegmentBytes
        $preview = Optimize-MessageDatabase ./mail -WhatIf
        $preview.DryRun | Should -BeTrue
        $preview.BytesFreed | Should -BeGreaterThan 300000
        Get-SegmentBytes | Should -Be $before
        $text = pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; `$null = Optimize-MessageDatabase '$place/mail' -WhatIf"
        $text | Should -Match 'What if:.*Rewrite 1 segments and free .*SG1'
        $done = Optimize-MessageDatabase ./mail
        $done.StorageGroup | Should -Be 'SG1'
        $done.SegmentsRewritten | Should -Be 1
        $done.BytesFreed | Should -Be $preview.BytesFreed
        Get-SegmentBytes | Should -BeLessThan ($before / 10)
        (Get-StoredMessage ./mail alice).Count | Should -Be 12
        $done | Out-String -Width 80 | Should -Match 'SG1'
    }

    It 'takes groups from the pipeline' {
        (Get-StorageGroup ./mail | Optimize-MessageDatabase).StorageGroup | Should -Be 'SG1'
        (Get-StorageGroup ./mail | Test-MessageDatabase).Result | Should -Be 'Whole'
    }

    It 'calls a whole database whole' {
        $test = Test-MessageDatabase ./mail
        $test.Result | Should -Be 'Whole'
        $test.Messages | Should -Be 12
        $test.Bytes | Should -BeGreaterThan 300000
        $test.Findings | Should -BeNullOrEmpty
        $test | Out-String -Width 80 | Should -Match 'Whole'
    }

    It 'never calls damage a success, and repairs it from the log' {
        $subject = (Get-StoredMessage ./mail alice)[3].Subject
        $file = Edit-Segment "Subject: $subject"
        $test = Test-MessageDatabase ./mail -ErrorVariable errors -ErrorAction SilentlyContinue
        $test.Result | Should -Be 'Damaged'
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'DatabaseDamaged,*'
        $errors[0].CategoryInfo.TargetName | Should -Be (Resolve-Path ./mail).Path
        $finding = $test.Findings
        $finding.Mailbox | Should -Be 'alice'
        $finding.Subject | Should -Be $subject
        $finding.File | Should -Be $file
        pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; `$null = Test-MessageDatabase '$place/mail'" 2>$null
        $LASTEXITCODE | Should -Be 1
        (Test-MessageDatabase ./mail -Repair -WhatIf -ErrorAction SilentlyContinue).Result | Should -Be 'Damaged'
        $repaired = Test-MessageDatabase ./mail -Repair -ErrorAction Stop
        $repaired.Result | Should -Be 'Repaired'
        $repaired.Findings.RepairedFrom | Should -Be 'the log'
        (Test-MessageDatabase ./mail -ErrorAction Stop).Result | Should -Be 'Whole'
        $null = Export-StoredMessage ./mail -Id $finding.Id -Path ./out
        (Get-FileHash (Get-ChildItem ./out -Recurse -File)[0]).Hash | Should -BeIn (Get-ChildItem ./letters | Get-FileHash).Hash
    }

    It 'makes a damaged archive record anew from what is left' {
        $null = Start-MessageArchive ./mail -Before 2003-01-01
        $key = @(Get-ArchiveKey ./mail)[3]
        $file = (Get-ChildItem ./mail/archive -Recurse -Filter *.mbox.gz)[0].FullName
        $bytes = [IO.File]::ReadAllBytes($file)
        $bytes[$key.Offset + $key.Length - 20] = $bytes[$key.Offset + $key.Length - 20] -bxor 4
        [IO.File]::WriteAllBytes($file, $bytes)
        (Test-MessageDatabase ./mail -ErrorAction SilentlyContinue).Findings.Id | Should -Be $key.Id
        $test = Test-MessageDatabase ./mail -Repair
        $test.Result | Should -Be 'Repaired'
        $test.Findings | Should -HaveCount 2
        $test.Findings[0].RepairedFrom | Should -Be 'the log'
        $test.Findings[1].File | Should -Be $file
        $test.Findings[1].RepairedFrom | Should -BeLike 'its 12 whole records*'
        Get-StoredMessage ./mail -Id $key.Id | Export-StoredMessage -Path ./out
        (Get-FileHash (Get-ChildItem ./out -Recurse -File)[0]).Hash | Should -Be $key.Sha256
    }

    It 'says where it looked when no good copy of an archive record is left' {
        $null = Start-MessageArchive ./mail -Before 2003-01-01
        1..2 | ForEach-Object { $null = Start-StorageGroupBackup ./mail }
        $null = Optimize-MessageDatabase ./mail
        Get-ChildItem ./mail/backups -Filter *.msbackup | Remove-Item
        Get-ChildItem ./mail/archive -Recurse -Filter *.mbox.gz | ForEach-Object {
            $bytes = [IO.File]::ReadAllBytes($_.FullName)
            $key = @(Get-ArchiveKey ./mail)[3]
            $bytes[$key.Offset + $key.Length - 20] = $bytes[$key.Offset + $key.Length - 20] -bxor 4
            [IO.File]::WriteAllBytes($_.FullName, $bytes)
        }
        $test = Test-MessageDatabase ./mail -Repair -ErrorVariable errors -ErrorAction SilentlyContinue
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'DatabaseDamaged,*'
        $test.Findings | Should -HaveCount 2
        $test.Findings[0].Problem | Should -Match 'no good copy'
        $test.Findings[1].Problem | Should -Match '1 keys go on pointing'
        # What is lost is said each time, and where the damaged file is.
        $again = (Test-MessageDatabase ./mail -ErrorAction SilentlyContinue).Findings
        $again | Should -HaveCount 1
        $again.Problem | Should -Match 'set aside as .*\.mbox\.gz\.damaged-\d{14}\.'
    }

    It 'leaves an archive file that zcat reads to its end (skipped where zcat is not installed)' -Skip:(-not (Get-Command zcat -ErrorAction Ignore)) {
        $null = Start-MessageArchive ./mail -Before 2003-01-01
        $key = @(Get-ArchiveKey ./mail)[3]
        $file = (Get-ChildItem ./mail/archive -Recurse -Filter *.mbox.gz)[0].FullName
        $bytes = [IO.File]::ReadAllBytes($file)
        $bytes[$key.Offset] = 0
        [IO.File]::WriteAllBytes($file, $bytes)
        @(zcat $file 2>$null | Select-String -CaseSensitive '^From ').Count | Should -BeLessThan 12
        (Test-MessageDatabase ./mail -Repair).Result | Should -Be 'Repaired'
        $files = Get-ChildItem ./mail/archive -Recurse -File
        $mended = $files | Where-Object Name -like '*.mbox.gz'
        $lines = zcat $mended.FullName
        $LASTEXITCODE | Should -Be 0
        @($lines | Select-String -CaseSensitive '^From ').Count | Should -Be 12
        $kept = $files | Where-Object Name -like '*.damaged-*'
        $kept | Should -HaveCount 1
        $null = zcat $kept.FullName 2>$null
        $LASTEXITCODE | Should -Not -Be 0
        (Get-StoredMessage ./mail alice).Count | Should -Be 12
        (Test-MessageArchive ./mail).Result | Should -Be 'Whole'
    }

    It 'lists a message whose summary is damaged, with what is known of it' {
        $mail = Get-StoredMessage ./mail alice
        $null = Edit-Segment $mail[2].MessageIdHeader -InSummary
        $listed = Get-StoredMessage ./mail alice
        $listed.Count | Should -Be 12
        $damaged = $listed | Where-Object IsDamaged
        $damaged.Id | Should -BeIn $mail.Id
        (Set-StoredMessage ./mail -Id $damaged.Id -IsFlagged $true -PassThru).IsFlagged | Should -BeTrue
        (Test-MessageDatabase ./mail -Repair).Result | Should -Be 'Repaired'
        (Get-StoredMessage ./mail alice | Where-Object IsDamaged) | Should -BeNullOrEmpty
    }

    It 'compacts around damage and says so' {
        $null = Start-StorageGroupBackup ./mail
        $mail = Get-StoredMessage ./mail alice
        $mail | Select-Object -Skip 2 | Remove-StoredMessage -Confirm:$false
        $null = Edit-Segment "Subject: $($mail[1].Subject)"
        $done = Optimize-MessageDatabase ./mail -ErrorVariable errors -ErrorAction SilentlyContinue
        $done.Damaged | Should -Be 1
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'DatabaseDamaged,*'
        (Test-MessageDatabase ./mail -Repair).Result | Should -Be 'Repaired'
        (Optimize-MessageDatabase ./mail -ErrorAction Stop).SegmentsRewritten | Should -BeGreaterThan 0
        (Test-MessageDatabase ./mail -ErrorAction Stop).Messages | Should -Be 2
    }

    It 'warns when logs grow because nothing is backed up' {
        $null = Get-MessageDatabase ./mail -WarningVariable none
        $none | Should -BeNullOrEmpty
        $log = (Get-ChildItem ./mail/logs -Recurse -Filter *.log)[0]
        $old = [IO.File]::Create((Join-Path $log.DirectoryName '0000000000000000.log'))
        $old.SetLength(5GB); $old.Dispose() # takes no space
        $null = Get-MessageDatabase ./mail -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings | Should -HaveCount 1
        $warnings[0] | Should -Match 'SG1: Logs hold 5\.\d GB: no backup was ever made'
        (Get-StorageGroup ./mail).Warning | Should -Match '^Logs hold 5'
    }

    It 'refuses a share that is none, and names a group that is not there' {
        { Optimize-MessageDatabase ./mail -MinimumDeadShare 2 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        { Optimize-MessageDatabase ./mail -StorageGroup none -ErrorAction Stop } | Should -Throw -ErrorId 'GroupNotFound,*'
        { Test-MessageDatabase ./mail -StorageGroup none -ErrorAction Stop } | Should -Throw -ErrorId 'GroupNotFound,*'
    }
}
