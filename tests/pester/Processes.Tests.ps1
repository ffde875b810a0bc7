BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = Join-Path $TestDrive 'processes'
    New-Sandbox $place
    New-Mbox "$place/many.mbox" 40000 -Size 4000
    $processes = [Collections.Generic.List[object]]::new()
    function Start-Owner([string] $Script) {
        $started = Start-Pwsh $place "Set-Location '$place'; $Script"
        $processes.Add($started.Process)
        $started
    }
}
AfterAll { foreach ($process in $processes) { if (-not $process.HasExited) { $process.Kill() } } }

Describe 'Two processes' {
    It 'name the owner to the one that comes second, and open at once after kill -9 of the owner' {
        # Holds the database open: the pipeline waits in ForEach-Object while Get-StoredMessage is under way.
        $owner = Start-Owner "Get-StoredMessage ./mail | ForEach-Object { Set-Content ./owned '1'; Start-Sleep 60 }"
        Wait-Until { Test-Path "$place/owned" } | Should -BeTrue
        $trouble = $null
        try { Get-StoredMailbox "$place/mail" } catch { $trouble = $_ }
        $trouble.FullyQualifiedErrorId | Should -BeLike 'DatabaseInUse,*'
        $trouble.CategoryInfo.Category | Should -Be 'ResourceBusy'
        $trouble.Exception.Message | Should -Match "\b$($owner.Process.Id)\b"

        $owner.Process.Kill()
        $owner.Process.WaitForExit()
        $watch = [Diagnostics.Stopwatch]::StartNew()
        (Get-StoredMailbox "$place/mail").Name | Should -Be 'alice', 'bob'
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 5
        (Get-StoredMessage "$place/mail" alice).Count | Should -Be 5
    }

    It 'lose nothing acknowledged when the owner is killed in the middle of an import' {
        $owner = Start-Owner "Import-StoredMessage ./mail killed ./many.mbox -PassThru | ForEach-Object { [IO.File]::AppendAllText('$place/acknowledged', `"`$(`$_.Id)``n`") }"
        Wait-Until { (Test-Path "$place/acknowledged") -and (Get-Item "$place/acknowledged").Length -gt 20000 } | Should -BeTrue
        $owner.Process.Kill()
        $owner.Process.WaitForExit()
        $acknowledged = [IO.File]::ReadAllLines("$place/acknowledged").Where({ $_.Length -eq 36 })
        $stored = @((Get-StoredMessage "$place/mail" killed).Id.ForEach({ "$_" }))
        $acknowledged.Count | Should -BeGreaterThan 100
        @($acknowledged | Where-Object { $_ -notin $stored }).Count | Should -Be 0
        (Export-StoredMessage "$place/mail" killed "$place/killed.mbox" -Format Mbox).Failed | Should -Be 0
    }
}

Describe 'Archive and backup' {
    It 'never run at the same time: the second fails and names the first' {
        $null = Import-StoredMessage "$place/mail" big "$place/many.mbox"
        $job = Start-StorageGroupBackup "$place/mail" -AsJob
        $trouble = $null
        $tries = 0
        # The job takes the maintenance lock a moment after it has started.
        while (-not $trouble -and $job.State -in 'NotStarted', 'Running' -and $tries++ -lt 1000) {
            try { $null = Start-MessageArchive "$place/mail" -Before 1990-01-01 } catch { $trouble = $_ }
        }
        $trouble.FullyQualifiedErrorId | Should -BeLike 'MaintenanceRunning,*'
        $trouble.Exception.Message | Should -Match 'backup'
        $trouble.Exception.Message | Should -Match "\b$PID\b"
        (Receive-Job $job -Wait -AutoRemoveJob).Messages | Should -BeGreaterThan 40000
        (Start-MessageArchive "$place/mail" -Before 1990-01-01).Moved | Should -Be 0
    }

    It 'fails in another process too, naming the process' {
        $owner = Start-Owner "Set-Content ./backing '1'; 1..20 | ForEach-Object { Start-StorageGroupBackup ./mail -Destination ./elsewhere }"
        Wait-Until { Test-Path "$place/backing" } | Should -BeTrue
        $trouble = $null
        $null = Wait-Until {
            try { $null = Start-MessageArchive "$place/mail" -Before 1990-01-01 } catch { $script:trouble = $_ }
            $script:trouble -or $owner.Process.HasExited
        }
        $owner.Process.Kill()
        $script:trouble.FullyQualifiedErrorId | Should -Match '^(MaintenanceRunning|DatabaseInUse),'
        $script:trouble.Exception.Message | Should -Match 'backup'
        $script:trouble.Exception.Message | Should -Match "\b$($owner.Process.Id)\b"
    }
}
