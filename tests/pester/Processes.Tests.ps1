BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder processes
    New-Sandbox $place
    New-Mbox "$place/many.mbox" 40000 -Size 4000
    $processes = [Collections.Generic.List[object]]::new()
    function Start-Owner([string] $Script) {
        $started = Start-Pwsh $place "Set-Location '$place'; $Script"
        $processes.Add($started.Process)
        $started
    }
}
AfterAll { foreach ($process in $processes) { if (-not $process.HasExited) { $process.Kill() } }; Remove-TestFolder $place }

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
        # The first progress says that the run has begun.
        while ($job.Progress.Count -eq 0 -and $job.State -eq 'Running') { Start-Sleep -Milliseconds 1 }
        $trouble = $null
        try { $null = Start-MessageArchive "$place/mail" -Before 1990-01-01 } catch { $trouble = $_ }
        $trouble.FullyQualifiedErrorId | Should -BeLike 'MaintenanceRunning,*'
        $trouble.Exception.Message | Should -Match 'backup'
        $trouble.Exception.Message | Should -Match "\b$PID\b"
        (Receive-Job $job -Wait -AutoRemoveJob).Messages | Should -BeGreaterThan 40000
        (Start-MessageArchive "$place/mail" -Before 1990-01-01).Moved | Should -Be 0
    }

    It 'fails in another process too, naming the process' {
        # The pipeline holds the database open, so that between two backups nobody else gets it.
        $owner = Start-Owner "Get-StoredMessage ./mail | ForEach-Object { Set-Content ./backing '1'; `$null = Start-StorageGroupBackup ./mail -Destination ./elsewhere }"
        Wait-Until { Test-Path "$place/backing" } | Should -BeTrue
        $messages = @(while (-not $owner.Process.HasExited -and $tries++ -lt 200 -and $last -notmatch 'backup') {
            try { $null = Start-MessageArchive "$place/mail" -Before 1990-01-01 } catch { ($last = "$($_.FullyQualifiedErrorId) $($_.Exception.Message)") }
        })
        $owner.Process.HasExited | Should -BeFalse
        $owner.Process.Kill()
        $messages.Count | Should -BeGreaterThan 0
        foreach ($message in $messages) { $message | Should -Match "^(MaintenanceRunning|DatabaseInUse),.*\b$($owner.Process.Id)\b" }
        $messages[-1] | Should -Match 'backup'
    }
}
