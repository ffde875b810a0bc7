@{
    RootModule           = 'lib/MessageStore.PowerShell.dll'
    # Imported first: lets the root module find its dependencies beside those of other modules.
    NestedModules        = @('lib/MessageStore.ModuleLoader.dll')
    ModuleVersion        = '0.1.0'
    GUID                 = '6d8f2c0b-5c1e-4f57-9f43-2b7a4e0d91c6'
    Author               = 'MessageStore maintainers'
    CompanyName          = 'MessageStore maintainers'
    Copyright            = 'MessageStore maintainers. MIT licence.'
    Description          = 'A mail database with archive, proved backups and replicated storage, run from PowerShell.'
    CompatiblePSEditions = @('Core')
    PowerShellVersion    = '7.6'
    FormatsToProcess     = @('MessageStore.format.ps1xml')
    TypesToProcess       = @('MessageStore.types.ps1xml')
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    CmdletsToExport      = @(
        'Add-MessageHold'
        'Block-MessageArchive'
        'Export-MaintenanceSchedule'
        'Export-StoredMessage'
        'Find-StoredMessage'
        'Get-ArchiveKey'
        'Get-MaintenanceHistory'
        'Get-MaintenanceSchedule'
        'Get-MessageArchive'
        'Get-MessageDatabase'
        'Get-MessageHold'
        'Get-MessageServer'
        'Get-StorageGroup'
        'Get-StorageGroupBackup'
        'Get-StorageNodeRecord'
        'Get-StoredMailbox'
        'Get-StoredMessage'
        'Import-StoredMessage'
        'Invoke-MessageMaintenance'
        'Move-ArchiveKey'
        'Move-StoredMessage'
        'New-MessageDatabase'
        'New-StoredMailbox'
        'Optimize-MessageDatabase'
        'Register-MaintenanceSchedule'
        'Register-StorageNode'
        'Remove-ExpiredMessage'
        'Remove-MessageHold'
        'Remove-StorageGroupBackup'
        'Remove-StoredMailbox'
        'Remove-StoredMessage'
        'Repair-StorageNode'
        'Restore-ArchivedMessage'
        'Restore-MessageDatabase'
        'Restore-StoredMessage'
        'Set-MessageArchive'
        'Set-MessageDatabase'
        'Set-StoredMailbox'
        'Set-StoredMessage'
        'Start-MessageArchive'
        'Start-MessageServer'
        'Start-StorageGroupBackup'
        'Start-StorageNode'
        'Stop-MessageServer'
        'Stop-StorageNode'
        'Test-MessageArchive'
        'Test-MessageDatabase'
        'Test-StorageGroupBackup'
        'Test-StorageNode'
        'Unblock-MessageArchive'
        'Unregister-MaintenanceSchedule'
        'Unregister-StorageNode'
        'Update-MessageSearchIndex'
    )
    PrivateData          = @{
        PSData = @{
            Tags       = @('Mail', 'Archive', 'Backup', 'Restore', 'PSEdition_Core', 'Linux', 'Windows')
            LicenseUri = 'https://opensource.org/license/mit'
        }
    }
}
