BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder long
    New-Sandbox $place
    New-Mbox "$place/many.mbox" 60000 -Size 1000
    function Start-Shell([string] $Command) {
        # A pipeline of its own, as a console would run it, that can be stopped as Ctrl+C does.
        $shell = [powershell]::Create()
        $null = $shell.AddScript("Set-Location '$place'; Import-Module '$RepositoryRoot/MessageStore.psd1'; $Command")
        [pscustomobject]@{ Shell = $shell; Handle = $shell.BeginInvoke() }
    }
}
AfterAll { Remove-TestFolder $place }

Describe 'Stopping' {
    It 'ends an import within 2 seconds and leaves whole messages only' {
        $run = Start-Shell 'Import-StoredMessage ./mail stopped ./many.mbox'
        Wait-Until { $run.Shell.Streams.Progress.Count -gt 0 } | Should -BeTrue
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $run.Shell.Stop()
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 2
        $run.Shell.InvocationStateInfo.State | Should -Be 'Stopped'
        $run.Shell.Dispose()
        $mail = Get-StoredMessage "$place/mail" stopped
        $mail.Count | Should -BeGreaterThan 0
        $mail.Count | Should -BeLessThan 60000
        $export = Export-StoredMessage "$place/mail" stopped "$place/stopped.mbox" -Format Mbox
        $export.Exported | Should -Be $mail.Count
        $export.Failed | Should -Be 0
        Remove-StoredMailbox "$place/mail" stopped -Confirm:$false
    }
}

Describe 'Progress' {
    It 'has a parent and children, no more than ten updates a second, and is completed' {
        $run = Start-Shell 'Import-StoredMessage ./mail progress ./many.mbox'
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $null = $run.Shell.EndInvoke($run.Handle)
        $seconds = $watch.Elapsed.TotalSeconds
        $records = @($run.Shell.Streams.Progress)
        $run.Shell.HadErrors | Should -BeFalse
        $parents = @($records | Where-Object ParentActivityId -LT 0)
        $children = @($records | Where-Object ParentActivityId -GE 0)
        $children.Count | Should -BeGreaterThan 0
        @($children.ParentActivityId | Sort-Object -Unique) | Should -Be @($parents.ActivityId | Sort-Object -Unique)
        $updates = @($children | Where-Object RecordType -EQ 'Processing')
        $updates.Count | Should -BeLessOrEqual (10 * $seconds + 5)
        foreach ($activity in $records | Group-Object ActivityId) { $activity.Group[-1].RecordType | Should -Be 'Completed' }
        $run.Shell.Dispose()
    }
}

Describe '-AsJob' {
    It 'runs a backup and hands out its result' {
        $job = Start-StorageGroupBackup "$place/mail" -AsJob
        $job.PSJobTypeName | Should -Be 'MessageStoreJob'
        $result = Receive-Job $job -Wait -AutoRemoveJob
        $result.Messages | Should -BeGreaterThan 4
        Test-Path $result.Path | Should -BeTrue
    }

    It 'fails with the error of the run' {
        $job = Start-StorageGroupBackup "$place/mail" -StorageGroup Nothing -AsJob
        (Wait-Job $job).State | Should -Be 'Failed'
        Receive-Job $job -ErrorVariable trouble -ErrorAction SilentlyContinue
        $trouble.FullyQualifiedErrorId | Should -BeLike 'GroupNotFound*'
        Remove-Job $job
    }

    It 'can be stopped, and leaves no file that looks like a backup' {
        $before = @(Get-StorageGroupBackup "$place/mail" | Where-Object IsComplete).Count
        $job = Start-StorageGroupBackup "$place/mail" -AsJob
        $watch = [Diagnostics.Stopwatch]::StartNew()
        Stop-Job $job
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 2
        # A run on a fast disk may have ended before it was stopped.
        $job.State | Should -BeIn 'Stopped', 'Completed'
        $complete = @(Get-StorageGroupBackup "$place/mail" | Where-Object IsComplete).Count - $before
        $complete | Should -Be ([int]($job.State -eq 'Completed'))
        Remove-Job $job
    }

    It 'is confirmed before it starts' {
        Start-StorageGroupBackup "$place/mail" -AsJob -WhatIf | Should -BeNullOrEmpty
    }
}
