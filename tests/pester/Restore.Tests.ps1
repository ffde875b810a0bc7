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
