BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder restore
    Push-Location $place
    $db = New-MessageDatabase ./mail -StorageGroup SG1, SG2 -PassThru
    New-Mbox "$place/inbox.mbox" 12 -Size 3000
    $null = Import-StoredMessage $db alice ./inbox.mbox
    $null = Import-StoredMessage $db bob ./inbox.mbox
    Get-StoredMessage $db alice | Select-Object -First 2 | Set-StoredMessage -IsRead $true -IsFlagged $true
    Get-StoredMessage $db alice | Select-Object -Skip 2 -First 1 | Move-StoredMessage -Folder Work
    $before = Get-StoredMessage $db alice
    $backup = Start-StorageGroupBackup $db
    function Copy-Damaged([string] $Name, [int] $Number) {
        # A copy of the backup with one bit of a message changed.
        $bytes = [IO.File]::ReadAllBytes($backup.Path)
        $text = [Text.Encoding]::Latin1.GetString($bytes)
        $at = $text.IndexOf("Message number $Number.")
        $bytes[$at] = $bytes[$at] -bxor 1
        $path = Join-Path $place $Name
        [IO.File]::WriteAllBytes($path, $bytes)
        $path
    }
    function Get-State($Messages) { $Messages | Sort-Object Id | ForEach-Object { "$($_.Id) $($_.Mailbox) $($_.Folder) $($_.Flags) $($_.Sha256)" } }
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe 'Restore-StoredMessage' {
    It 'brings deleted messages back under their Ids, with folder and flags, beside live mail' {
        Get-StoredMessage $db alice | Select-Object -First 5 | Remove-StoredMessage -Confirm:$false
        $results = Restore-StoredMessage $backup.Path $db -Mailbox alice
        @($results | Where-Object Result -EQ Restored).Count | Should -Be 5
        @($results | Where-Object Result -EQ Present).Count | Should -Be 7
        Get-State (Get-StoredMessage $db alice) | Should -Be (Get-State $before)
        (Restore-StoredMessage $backup.Path $db -Mailbox alice).Result | Select-Object -Unique | Should -Be Present
    }

    It 'changes nothing with -WhatIf, and takes single Ids' {
        $id = $before[3].Id
        Remove-StoredMessage $db $id -Confirm:$false
        Restore-StoredMessage $backup.Path $db -Id $id -WhatIf
        (Get-StoredMessage $db alice).Count | Should -Be 11
        (Restore-StoredMessage (Split-Path $backup.Path) $db -Id $id).Result | Should -Be Restored
        (Get-StoredMessage $db alice).Count | Should -Be 12
    }

    It 'writes .eml files byte for byte, without a database' {
        $results = Restore-StoredMessage $backup.Path -Destination ./found -Mailbox alice -ReceivedAfter 2002-01-01
        $results.Count | Should -Be 12
        Get-Digest (Get-ChildItem ./found -Recurse -File).FullName | Should -Be ($before.Sha256 | Sort-Object)
        (Get-ChildItem ./found/alice -Directory).Name | Should -Be Inbox, Work
    }

    It 'refuses to take everything, and names what is not there' {
        { Restore-StoredMessage $backup.Path $db -ErrorAction Stop } | Should -Throw -ErrorId InvalidParameter*
        { Restore-StoredMessage $backup.Path $db -Mailbox nobody -ErrorAction Stop } | Should -Throw -ErrorId MailboxNotFound*
        $null = Restore-StoredMessage $backup.Path $db -Id ([guid]::NewGuid()) -ErrorVariable trouble -ErrorAction SilentlyContinue
        $trouble[0].FullyQualifiedErrorId | Should -BeLike RestoreFailed*
    }

    It 'takes what is whole from a damaged backup' {
        $bad = Copy-Damaged granular.msbackup 4
        $results = Restore-StoredMessage $bad -Destination ./rescued -Mailbox * -ErrorVariable trouble -ErrorAction SilentlyContinue
        @($results | Where-Object Result -EQ Restored).Count | Should -Be 23
        $failed = $results | Where-Object Result -EQ Failed
        $failed.Subject | Should -Be 'report 4'
        "$trouble" | Should -Match $failed.Id
    }
}

Describe 'A damaged backup' {
    BeforeAll { $bad = Copy-Damaged damaged.msbackup 7 }

    It 'fails the drill, which names file, offset and message' {
        $drill = Test-StorageGroupBackup $bad -ErrorVariable trouble -ErrorAction SilentlyContinue
        $drill.Result | Should -Be Failed
        $drill.Reason | Should -Match ([regex]::Escape($bad))
        $drill.Reason | Should -Match 'offset \d+'
        $drill.LostMessages.Count | Should -Be 1
        $drill.LostMessages[0].Subject | Should -Be 'report 7'
        $trouble[0].FullyQualifiedErrorId | Should -BeLike BackupFailed*
        (Get-StorageGroupBackup -Path $bad).LastDrill | Should -BeLike 'Failed*'
    }

    It 'ends pwsh -Command with an exit code that is not 0' {
        $null = pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; Test-StorageGroupBackup '$bad'" 2>&1
        $LASTEXITCODE | Should -Be 1
    }

    It 'is not restored, but for what is whole with -SkipDamaged' {
        { Restore-MessageDatabase $bad ./whole } | Should -Throw -ErrorId BackupDamaged*
        Test-Path ./whole | Should -BeFalse
        $run = Restore-MessageDatabase $bad ./whole -SkipDamaged -WarningAction SilentlyContinue
        $run.Messages | Should -Be 23
        $run.Lost | Should -Be 1
        $run.LostMessages[0].Subject | Should -Be 'report 7'
        (Get-StoredMessage ./whole).Count | Should -Be 23
        (Start-StorageGroupBackup ./whole | Test-StorageGroupBackup).Result | Should -Be Verified
    }
}

Describe 'Restore-MessageDatabase' {
    It 'says with -WhatIf which files it would read, in which order, how much and for how long, and touches nothing' {
        $output = pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; Restore-MessageDatabase '$($backup.Path)' '$place/planned' -LogPath '$($db.LogPath)' -WhatIf" | Out-String
        $output | Should -Match "What if: Restore SG1, SG2 to $([regex]::Escape("$place/planned"))"
        $output | Should -Match "1\. images, logs and patches: $([regex]::Escape($backup.Path)), \d"
        $output | Should -Match '2\. log that survived: '
        $output | Should -Match 'to read, .* of room needed, about \d\d:\d\d:\d\d at .* a second \('
        Get-ChildItem $place -Filter planned* | Should -BeNullOrEmpty
        { Restore-MessageDatabase $backup.Path $db -WhatIf } | Should -Throw -ErrorId DestinationNotEmpty*
    }

    It 'stops behind a transaction of one group, or before a moment' {
        $range = (Get-StorageGroupBackup -Path $backup.Path).LsnRanges | Where-Object StorageGroup -EQ SG1
        $run = Restore-MessageDatabase $backup.Path ./bylsn -StorageGroup SG1 -Lsn $range.LastLsn
        $run.StorageGroups | Should -Be SG1
        $run.Messages | Should -Be 12
        { Restore-MessageDatabase $backup.Path ./never -Lsn 3 } | Should -Throw -ErrorId InvalidParameter*
        { Restore-MessageDatabase $backup.Path ./never -StorageGroup SG1 -Lsn 100000 } | Should -Throw -ErrorId PointInTimeNotCovered*
        { Restore-MessageDatabase (Split-Path $backup.Path) ./never -PointInTime 2001-01-01 } | Should -Throw -ErrorId PointInTimeNotCovered*
        Test-Path ./never | Should -BeFalse
    }

    It 'lays a new place out on the devices that are named, and keeps those of a database in its place' {
        $null = Restore-MessageDatabase $backup.Path ./devices -NewStorePath ./ssd -NewLogPath ./disk -NewBackupPath ./disk/backups
        $status = Get-MessageDatabase ./devices
        $status.StorePath, $status.LogPath, $status.BackupPath | Should -Be "$place/ssd", "$place/disk", "$place/disk/backups"
        (Get-StoredMessage ./devices).Count | Should -Be 24
        { Restore-MessageDatabase $backup.Path ./more -NewStorePath ./ssd } | Should -Throw -ErrorId DestinationNotEmpty*
        { Restore-MessageDatabase $backup.Path ./devices -Force -NewStorePath ./ssd2 -Confirm:$false } | Should -Throw -ErrorId InvalidParameter*
    }

    It 'restores a group of a database that this very pipeline has open' {
        $null = Restore-MessageDatabase $backup.Path ./inuse
        $run = Get-StoredMessage ./inuse alice | Select-Object -First 1 | ForEach-Object { Restore-MessageDatabase $backup.Path ./inuse -StorageGroup SG2 -Force -Confirm:$false -WarningAction SilentlyContinue }
        $run.StorageGroups | Should -Be SG2
        (Get-StoredMessage ./inuse).Count | Should -Be 24
    }
}

Describe 'The drill' {
    It 'reads well, restores where it is told and leaves nothing there' {
        $null = New-Item -ItemType Directory ./scratch
        (Test-StorageGroupBackup $backup.Path -ScratchPath ./scratch).Result | Should -Be Verified
        Get-ChildItem ./scratch | Should -BeNullOrEmpty
        (Get-StorageGroupBackup $db)[0].LastDrill | Should -BeLike 'Verified*'
    }

    It 'refuses a time limit that nobody means' {
        { Test-StorageGroupBackup $backup.Path -TimeLimit 5 } | Should -Throw -ErrorId ParameterArgumentValidationError*
    }
}
