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
        'Export-MaintenanceSchedule'
        'Add-MessageHold'
        'Block-MessageArchive'
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
        'Get-StoredMailbox'
        'Get-StoredMessage'
        'Import-StoredMessage'
        'Invoke-MessageMaintenance'
        'Move-StoredMessage'
        'New-MessageDatabase'
        'New-StoredMailbox'
        'Optimize-MessageDatabase'
        'Register-MaintenanceSchedule'
        'Remove-ExpiredMessage'
        'Remove-MessageHold'
        'Remove-StoredMailbox'
        'Remove-StoredMessage'
        'Restore-ArchivedMessage'
        'Restore-MessageDatabase'
        'Set-StoredMessage'
        'Start-MessageArchive'
        'Start-MessageServer'
        'Start-StorageGroupBackup'
        'Stop-MessageServer'
        'Test-MessageDatabase'
        'Test-StorageGroupBackup'
        'Unblock-MessageArchive'
        'Unregister-MaintenanceSchedule'
        'Update-MessageSearchIndex'
    )
    PrivateData          = @{
        PSData = @{
            Tags       = @('Mail', 'Archive', 'Backup', 'Restore', 'PSEdition_Core', 'Linux', 'Windows')
            LicenseUri = 'https://opensource.org/license/mit'
        }
    }
}
