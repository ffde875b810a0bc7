<#
.SYNOPSIS
    A nightly runbook: fails unless the mail could be restored right now.
.DESCRIPTION
    Run it by a scheduler, and let it wake somebody when it fails:

        $data = @{ Database = '/srv/mail'; MaximumAge = '01:00:00' }
        Invoke-Pester -Container (New-PesterContainer -Path ./Restore.Tests.ps1 -Data $data) -CI

    -CI ends PowerShell with exit code 1 where a test fails. Needs the modules MessageStore and Pester 5.
#>
param(
    # The database folder. It may be in use.
    [Parameter(Mandatory)] [string] $Database,
    # Where its backups are. Default: its backup path.
    [string] $BackupPath,
    # Where drills unpack. Default: the temporary folder, or the backup's own where that has more room.
    [string] $ScratchPath,
    # The oldest that the newest backup may be.
    [timespan] $MaximumAge = '01:00:00'
)

BeforeAll {
    $status = Get-MessageDatabase $Database
    $place = if ($BackupPath) { $BackupPath } else { $status.BackupPath }
    $backups = @(Get-StorageGroupBackup -Path $place | Where-Object DatabaseId -EQ $status.DatabaseId)
    $newest = $backups | Where-Object IsComplete | Select-Object -First 1
}

Describe 'The mail of <Database>' {
    It 'is open in all storage groups' {
        $status.StorageGroups | Where-Object State -NE Open | ForEach-Object Reason | Should -BeNullOrEmpty
    }

    It 'was backed up within <MaximumAge>' {
        $status.BackupAge | Should -Not -BeNullOrEmpty -Because 'there must be a backup of every storage group'
        $status.BackupAge | Should -BeLessThan $MaximumAge
    }

    It 'has a newest backup whose chain is whole' {
        $newest | Should -Not -BeNullOrEmpty
        $newest.IsChainWhole | Should -BeTrue -Because $newest.Reason
        $newest.StorageGroups | Sort-Object | Should -Be ($status.StorageGroups.Name | Sort-Object)
    }

    It 'comes back from the newest backup, every digest compared' {
        $scratch = if ($ScratchPath) { @{ ScratchPath = $ScratchPath } } else { @{} }
        $drill = Test-StorageGroupBackup -LiteralPath $newest.Path @scratch -ErrorAction SilentlyContinue
        $drill.Result | Should -Be Verified -Because $drill.Reason
    }

    It 'has no backup that failed its last drill' {
        $backups | Where-Object LastDrill -Like 'Failed*' | ForEach-Object Path | Should -BeNullOrEmpty
    }

    It 'could be restored to a new place at once' {
        # -WhatIf says which files would be read, in which order, and for how long; it fails where a restore could not begin.
        { Restore-MessageDatabase $place (Join-Path ([IO.Path]::GetTempPath()) "plan-$PID") -WhatIf } | Should -Not -Throw
    }
}
