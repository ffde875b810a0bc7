BeforeDiscovery {
    . $PSScriptRoot/Support.ps1
    $Changes = @(
        @{ Name = 'New-MessageDatabase'; Change = { New-MessageDatabase ./another -WhatIf } }
        @{ Name = 'New-StoredMailbox'; Change = { New-StoredMailbox ./mail zoe -WhatIf } }
        @{ Name = 'Remove-StorageGroupBackup'; Change = { Remove-StorageGroupBackup ./mail -Keep 1 -WhatIf } }
        @{ Name = 'Remove-StoredMailbox'; Change = { Remove-StoredMailbox ./mail alice -WhatIf } }
        @{ Name = 'Import-StoredMessage'; Change = { Import-StoredMessage ./mail alice ./inbox.mbox -WhatIf } }
        @{ Name = 'Set-StoredMessage'; Change = { Get-StoredMessage ./mail alice | Set-StoredMessage -IsRead $true -WhatIf } }
        @{ Name = 'Move-StoredMessage'; Change = { Get-StoredMessage ./mail alice | Move-StoredMessage -Folder Old -WhatIf } }
        @{ Name = 'Remove-StoredMessage'; Change = { Get-StoredMessage ./mail alice | Remove-StoredMessage -WhatIf } }
        @{ Name = 'Export-StoredMessage'; Change = { Export-StoredMessage ./mail alice ./out -Force -WhatIf } }
        @{ Name = 'Optimize-MessageDatabase'; Change = { Optimize-MessageDatabase ./mail -MinimumDeadShare 0 -WhatIf } }
        @{ Name = 'Update-MessageSearchIndex'; Change = { Update-MessageSearchIndex ./mail -Rebuild -WhatIf } }
        @{ Name = 'Add-MessageHold'; Change = { Get-StoredMessage ./mail alice | Add-MessageHold -Reason test -WhatIf; Add-MessageHold ./mail bob -Reason test -WhatIf } }
        @{ Name = 'Remove-MessageHold'; Change = { Get-MessageHold ./mail -IncludeLifted | Remove-MessageHold -WhatIf } }
        @{ Name = 'Block-MessageArchive'; Change = { Block-MessageArchive ./mail alice -Reason test -WhatIf } }
        @{ Name = 'Unblock-MessageArchive'; Change = { Unblock-MessageArchive ./mail * -WhatIf } }
        @{ Name = 'Remove-ExpiredMessage'; Change = { Remove-ExpiredMessage ./mail -WhatIf } }
        @{ Name = 'Set-MessageDatabase'; Change = { Set-MessageDatabase ./mail -ArchiveOlderThan 1.00:00:00 -WhatIf; Get-MessageArchive ./mail -Policy | Should -BeNullOrEmpty } }
        @{ Name = 'Set-StoredMailbox'; Change = { Set-StoredMailbox ./mail * -NeverArchive $true -WhatIf; Get-MessageArchive ./mail -Policy | Should -BeNullOrEmpty } }
        @{ Name = 'Restore-ArchivedMessage'; Change = { Restore-ArchivedMessage ./mail alice -WhatIf } }
        @{ Name = 'Start-MessageArchive'; Change = { Start-MessageArchive ./mail -Before 2003-01-01 -WhatIf } }
        @{ Name = 'Start-StorageGroupBackup'; Change = { Start-StorageGroupBackup ./mail -WhatIf } }
        @{ Name = 'Restore-StoredMessage'; Change = { Restore-StoredMessage ./mail/backups ./mail -Mailbox alice -WhatIf } }
        @{ Name = 'Restore-MessageDatabase'; Change = { Restore-MessageDatabase ./mail/backups ./mail -Force -WhatIf } }
        @{ Name = 'Start-MessageServer'; Change = { Start-MessageServer ./mail -WhatIf } }
        @{ Name = 'Stop-MessageServer'; Change = { Stop-MessageServer ./mail -WhatIf } }
        @{ Name = 'Register-MaintenanceSchedule'; Change = { Register-MaintenanceSchedule ./mail -ArchiveAt 01:00 -BackupEvery 01:00:00 -WhatIf } }
        @{ Name = 'Unregister-MaintenanceSchedule'; Change = { Unregister-MaintenanceSchedule ./mail -WhatIf } }
        @{ Name = 'Export-MaintenanceSchedule'; Change = { Export-MaintenanceSchedule ./mail ./out -ArchiveAt 01:00 -BackupEvery 01:00:00 -Scheduler Cron -WhatIf } }
        @{ Name = 'Set-MessageArchive'; Change = { Set-MessageArchive ./mail -Target Nodes -NodeDirectory ./nodes.json -NodeKeyFile ./nodes.key -WhatIf } }
        @{ Name = 'Move-ArchiveKey'; Change = { Move-ArchiveKey ./mail -To PostgreSql -ConnectionFile ./keys.connection -WhatIf } }
        @{ Name = 'Start-StorageNode'; Change = { Start-StorageNode n1 ./n1 -Create -KeyFile ./nodes.key -WhatIf } }
        @{ Name = 'Stop-StorageNode'; Change = { Stop-StorageNode ./n1 -WhatIf } }
        @{ Name = 'Register-StorageNode'; Change = { Register-StorageNode ./nodes.json n1 http://127.0.0.1:7401 -WhatIf } }
        @{ Name = 'Unregister-StorageNode'; Change = { Unregister-StorageNode ./nodes.json n1 -WhatIf } }
        @{ Name = 'Repair-StorageNode'; Change = { try { Repair-StorageNode ./mail -WhatIf } catch { $_.FullyQualifiedErrorId | Should -BeLike 'NodesNotSet,*' } } }
        @{ Name = 'Invoke-MessageMaintenance'; Change = { Invoke-MessageMaintenance ./mail -Before 2003-01-01 -WhatIf } }
    )
}
BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder whatif
    New-Sandbox $place
    Push-Location $place
    function Get-Mail { Get-StoredMessage ./mail | ForEach-Object { "$($_.Id) $($_.Mailbox) $($_.Folder) $($_.Flags) $($_.IsArchived)" } }
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe '-WhatIf' {
    It 'is tried on every cmdlet that changes anything' -ForEach @{ Names = $Changes.Name } {
        $Names | Sort-Object | Should -Be ($PromisedCmdlets -notmatch '^(Find|Get|Test)-' | Sort-Object)
    }

    It 'changes nothing with <Name>' -ForEach $Changes {
        $mail = Get-Mail
        $mail.Count | Should -Be 5
        $files = Get-ChildItem -Recurse -File | Where-Object FullName -NotMatch 'lock|\.idx|checkpoint' | ForEach-Object Name | Sort-Object
        & $Change
        Get-Mail | Should -Be $mail
        (Get-StoredMailbox ./mail).Name | Should -Be 'alice', 'bob'
        Get-ChildItem -Recurse -File | Where-Object FullName -NotMatch 'lock|\.idx|checkpoint' | ForEach-Object Name | Sort-Object | Should -Be $files
        Test-Path ./another | Should -BeFalse
        Test-Path ./out | Should -BeFalse
    }

    It 'comes from the preference as well' {
        $WhatIfPreference = $true
        Get-StoredMessage ./mail alice | Remove-StoredMessage
        $run = Start-MessageArchive ./mail -Before 2003-01-01
        $WhatIfPreference = $false
        $run.DryRun | Should -BeTrue
        $run.Matched | Should -Be 3
        (Get-Mail).Count | Should -Be 5
        Get-StoredMessage ./mail -Archived | Should -BeNullOrEmpty
    }

    It 'says for each mailbox what Start-MessageArchive would move' {
        $output = pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; `$null = Start-MessageArchive '$place/mail' -Before 2003-01-01 -WhatIf"
        $output | Should -HaveCount 1
        $output | Should -Match 'What if:.*Archive 3 messages \(.*\).*"alice"'
    }
}
