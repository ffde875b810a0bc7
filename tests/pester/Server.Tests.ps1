BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder server
    New-Sandbox $place
    $db = "$place/mail"
    New-Mbox "$place/many.mbox" 8000 -Size 4000
    $processes = [Collections.Generic.List[object]]::new()
    function Stop-Server { if ((Get-MessageServer $db).State -eq 'Running') { Stop-MessageServer $db } }
}
AfterAll { Stop-Server; foreach ($process in $processes) { if (-not $process.HasExited) { $process.Kill() } }; Remove-TestFolder $place }

Describe 'A server' {
    AfterEach { Stop-Server }

    It 'is started, found, stopped, and leaves the database free' {
        (Get-MessageServer $db).State | Should -Be 'Stopped'
        $server = Start-MessageServer $db
        $server.State | Should -Be 'Running'
        $found = Get-MessageServer $db
        $found.ProcessId | Should -Be $server.ProcessId
        (Get-Process -Id $found.ProcessId).HasExited | Should -BeFalse
        ($found | Out-String -Width 80) -split "`n" | ForEach-Object { $_.Length | Should -BeLessOrEqual 81 }
        if (-not $IsWindows) { (Get-Item $found.Socket).UnixFileMode | Should -Be ([IO.UnixFileMode]'UserRead, UserWrite') }
        (Stop-MessageServer $db -PassThru).State | Should -Be 'Stopped'
        Test-Path $found.Socket | Should -BeFalse
        (Get-StoredMessage $db alice).Count | Should -Be 5
    }

    It 'changes nothing under -WhatIf' {
        Start-MessageServer $db -WhatIf
        (Get-MessageServer $db).State | Should -Be 'Stopped'
        $null = Start-MessageServer $db
        Stop-MessageServer $db -WhatIf
        (Get-MessageServer $db).State | Should -Be 'Running'
    }

    It 'is refused where there is one, and missed where there is none' {
        { Stop-MessageServer $db -ErrorAction Stop } | Should -Throw -ErrorId 'ServerNotRunning,*'
        $server = Start-MessageServer $db
        { Start-MessageServer $db -ErrorAction Stop } | Should -Throw -ErrorId 'DatabaseInUse,*' -ExpectedMessage "*$($server.ProcessId)*"
        { Start-MessageServer "$place/nowhere" -ErrorAction Stop } | Should -Throw -ErrorId 'PathNotFound,*'
        { Get-MessageServer $place -ErrorAction Stop } | Should -Throw -ErrorId 'NotADatabase,*'
    }

    It 'serves two PowerShells at once' {
        $null = Start-MessageServer $db
        $other = Start-Pwsh $place "Import-StoredMessage '$db' both '$place/inbox.mbox'; (Get-StoredMessage '$db' both).Count"
        $processes.Add($other.Process)
        $null = Import-StoredMessage $db both "$place/new.mbox"
        Wait-Until { $other.Process.HasExited } -Seconds 120 | Should -BeTrue
        Get-Content $other.Err -Raw | Should -BeNullOrEmpty
        (Get-StoredMessage $db both).Count | Should -Be 5
    }

    It 'carries progress to the cmdlet' {
        $null = Start-MessageServer $db
        $null = Import-StoredMessage $db progress "$place/many.mbox"
        $job = Start-StorageGroupBackup $db -AsJob
        $null = Wait-Job $job
        $job.Progress.Count | Should -BeGreaterThan 0
        (Receive-Job $job -AutoRemoveJob -Wait).Messages | Should -BeGreaterThan 8000
    }

    It 'ends a run that is stopped at the caller, and is free for the next' {
        $null = Start-MessageServer $db
        $job = Start-StorageGroupBackup $db -AsJob
        while ($job.Progress.Count -eq 0 -and $job.State -eq 'Running') { Start-Sleep -Milliseconds 1 }
        Stop-Job $job
        # Stopped is when the run at the other end has ended, not before.
        $null = Start-MessageArchive $db -Before 1990-01-01 -ErrorAction Stop
    }

    It 'takes its settings from a file, and says all that is wrong with it at once' {
        Set-Content "$place/web.json" '{ "Web": { "Listen": "127.0.0.1:0" }, "Health": { "MaximumBackupAge": "1.00:00:00" } }'
        (Start-MessageServer $db -ConfigurationPath "$place/web.json").State | Should -Be 'Running'
        Test-Path "$db/web.key" | Should -BeTrue
        Stop-MessageServer $db
        Set-Content "$place/wrong.json" '{ "Web": { "Listen": "0.0.0.0:80", "Kye": 1 }, "Limits": { "Sessions": "many" } }'
        { Start-MessageServer $db -ConfigurationPath "$place/wrong.json" -ErrorAction Stop } | Should -Throw -ErrorId 'ServerNotStarted,*' -ExpectedMessage '*Limits:Sessions*Web:*Kye*Web:Listen*'
    }

    It 'keeps a schedule, and says why not now' {
        $own = (New-MessageDatabase "$place/scheduled" -PassThru).Path # one that was never backed up
        $null = Import-StoredMessage $own alice "$place/inbox.mbox"
        Register-MaintenanceSchedule $own -ArchiveAt 01:00 -BackupEvery 12:00:00 -OlderThan 365.00:00:00 -Scheduler Server -WhatIf
        Test-Path "$own/schedule.json" | Should -BeFalse
        $null = Start-MessageServer $own
        $info = Register-MaintenanceSchedule $own -ArchiveAt 01:00 -BackupEvery 12:00:00 -MaximumBackupAge 13:00:00 -OlderThan 365.00:00:00 -PassThru
        $info.Scheduler | Should -Be 'Server'
        Wait-Until { Get-MaintenanceHistory $own -Task Backup } -Seconds 120 | Should -BeTrue
        $record = (Get-MaintenanceHistory $own -Task Backup)[-1]
        $record.Decision | Should -Be 'Ran'
        $record.Reason | Should -BeLike 'there is no complete backup of every storage group*'
        $task = (Get-MaintenanceSchedule $own -Scheduler Server).Tasks | Where-Object Task -EQ Backup
        $task.Reason | Should -BeLike 'not due: the last one began *'
        $task.NextRun | Should -BeGreaterThan $record.Time
        (Get-MaintenanceSchedule $own -Scheduler Server | Out-String -Width 80) -split "`n" | ForEach-Object { $_.Length | Should -BeLessOrEqual 81 }
        Get-MaintenanceSchedule $own -Scheduler Server | Unregister-MaintenanceSchedule
        Get-MaintenanceSchedule $own -Scheduler Server | Should -BeNullOrEmpty
        { Register-MaintenanceSchedule $own -BackupEvery 12:00:00 -MaximumBackupAge 01:00:00 -Scheduler Server -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter,*'
        { Register-MaintenanceSchedule $own -ArchiveEvery 12:00:00 -Scheduler Cron -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter,*'
        Stop-MessageServer $own
    }

    It 'stops taking from the server when the pipeline has had enough' {
        $null = Start-MessageServer $db
        (Get-StoredMessage $db | Select-Object -First 2).Count | Should -Be 2
        (Get-StoredMessage $db alice).Count | Should -Be 5
    }

    It 'says so when the server is killed in the middle, and loses nothing that it acknowledged' {
        $server = Start-MessageServer $db
        $stored = [Collections.Generic.List[object]]::new()
        $trouble = $null
        try {
            Import-StoredMessage $db killed "$place/many.mbox" -PassThru -ErrorAction Stop | ForEach-Object {
                $stored.Add($_.Id)
                if ($stored.Count -eq 200) { Stop-Process -Id $server.ProcessId -Force }
            }
        } catch { $trouble = $_ }
        $trouble.FullyQualifiedErrorId | Should -BeLike 'ServerConnectionLost,*'
        $trouble.Exception.Message | Should -Match "\b$($server.ProcessId)\b"
        # The connection may break a moment before the system has taken back the dying process's lock.
        Wait-Process -Id $server.ProcessId -ErrorAction Ignore
        $there = @((Get-StoredMessage $db killed).Id.ForEach({ "$_" }))
        @($stored.Where({ "$_" -notin $there })).Count | Should -Be 0
        $stored.Count | Should -BeGreaterOrEqual 200
    }
}

Describe 'A server whose database has a long path' {
    It 'is found by its note' {
        $long = "$place/$('x' * 100)/mail"
        $null = New-MessageDatabase $long -PassThru
        $server = Start-MessageServer $long
        try {
            $server.Socket | Should -Not -BeLike "$place*"
            New-StoredMailbox $long zoe
            (Get-StoredMailbox $long).Name | Should -Be 'zoe'
        } finally { Stop-MessageServer $long }
        Test-Path (Split-Path $server.Socket) | Should -BeFalse
    }
}
