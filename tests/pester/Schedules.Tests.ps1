BeforeDiscovery {
    . $PSScriptRoot/Support.ps1
    $NoFakes = if ($IsWindows) { 'the stand-ins for schtasks and crontab are shell scripts' }
    $NoCron = if (-not (Get-Command crontab -ErrorAction Ignore)) { 'no crontab on the PATH' } elseif ((id -u) -ne 0) { 'only root may touch another crontab than its own' }
    $NoSystemd = if (-not (Get-Command systemd-analyze -ErrorAction Ignore)) { 'no systemd-analyze on the PATH' }
}
BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder schedules
    New-Sandbox $place
    $nasty = "$place/it's 50% `$HOME"
    $null = New-MessageDatabase $nasty
    Push-Location $place

    function Use-Fakes {
        # Stand-ins on the PATH that keep what they get: every call in calls.txt, tasks and tables as files.
        param([string[]] $Name, [scriptblock] $Do)
        $folder = New-Item -ItemType Directory "$place/fakes-$([guid]::NewGuid().ToString('n'))"
        $scripts = @{
            schtasks = @'
#!/bin/sh
here=$(dirname "$0"); echo "$*" >> "$here/calls.txt"
case "$1" in
/Create) mkdir -p "$here/tasks"; cp "$5" "$here/tasks/$(echo "$3" | tr '\\' '~')" ;;
/Delete) rm "$here/tasks/$(echo "$3" | tr '\\' '~')" ;;
/Query) if [ "$2" = /TN ]; then iconv -f utf-16 -t utf-8 "$here/tasks/$(echo "$3" | tr '\\' '~')"; else
  echo '"TaskName","Next Run Time","Status"'; echo '"\Microsoft\Windows\Defrag\ScheduledDefrag","N/A","Ready"'
  for t in "$here"/tasks/*; do [ -e "$t" ] && echo "\"$(basename "$t" | tr '~' '\\')\",\"28.11.2026 01:00:00\",\"Bereit\""; done; fi ;;
esac
exit 0
'@
            crontab  = @'
#!/bin/sh
here=$(dirname "$0"); echo "$*" >> "$here/calls.txt"; user=own
[ "$1" = -u ] && { user=$2; shift 2; }
if [ "$1" = -l ]; then [ -e "$here/table-$user" ] || { echo "no crontab for $user" >&2; exit 1; }; cat "$here/table-$user"; else cat > "$here/table-$user"; fi
'@
        }
        foreach ($one in $Name) { Set-Content "$folder/$one" $scripts[$one] -NoNewline; chmod +x "$folder/$one" }
        $path = $env:PATH
        $env:PATH = "$folder$([IO.Path]::PathSeparator)$path"
        try { & $Do $folder } finally { $env:PATH = $path }
    }
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe 'Task Scheduler' {
    It 'gets an XML file for each task, and gives the schedule back' -Skip:($null -ne $NoFakes) {
        Use-Fakes schtasks {
            param($folder)
            $info = Register-MaintenanceSchedule ./mail -ArchiveAt 01:00 -BackupEvery 01:00:00 -OlderThan 365.00:00:00 -Scheduler TaskScheduler -User 'NT AUTHORITY\SYSTEM' -PassThru
            $info.Tasks.Name | Should -Match '^\\MessageStore\\messagestore-mail-[0-9a-f]{8}-(archive|backup)$'
            $files = Get-ChildItem "$folder/tasks"
            $files | Should -HaveCount 2
            [xml]$backup = Get-Content ($files | Where-Object Name -Like '*-backup') -Raw
            $backup.Task.Triggers.CalendarTrigger.Repetition.Interval | Should -Be 'PT1H'
            $backup.Task.Settings.StartWhenAvailable | Should -Be 'true'
            $backup.Task.Settings.MultipleInstancesPolicy | Should -Be 'IgnoreNew'
            $backup.Task.Principals.Principal.UserId | Should -Be 'NT AUTHORITY\SYSTEM'
            $backup.Task.Actions.Exec.Arguments | Should -Match "Invoke-MessageMaintenance '.*mail' -Task Backup -Wait 01:00:00"
            $found = Get-MaintenanceSchedule ./mail -Scheduler TaskScheduler
            $found.BackupEvery | Should -Be ([timespan]'01:00:00')
            $found.OlderThan | Should -Be ([timespan]'365.00:00:00')

            Register-MaintenanceSchedule ./mail -BackupEvery 06:00:00 -Scheduler TaskScheduler
            (Get-MaintenanceSchedule ./mail -Scheduler TaskScheduler).Tasks.Task | Should -Be 'Backup'
            Unregister-MaintenanceSchedule ./mail -Scheduler TaskScheduler
            Get-ChildItem "$folder/tasks" | Should -BeNullOrEmpty
            Get-Content "$folder/calls.txt" | Should -Not -Match 'Defrag'
        }
    }

    It 'refusing is an error that says what it said' -Skip:($null -ne $NoFakes) {
        Use-Fakes schtasks {
            param($folder)
            Set-Content "$folder/schtasks" "#!/bin/sh`n[ `$1 = /Query ] && exit 0`necho 'ERROR: Access is denied.' >&2; exit 1" -NoNewline
            { Register-MaintenanceSchedule ./mail -BackupEvery 01:00:00 -Scheduler TaskScheduler -ErrorAction Stop } | Should -Throw '*Access is denied*' -ErrorId 'SchedulerFailed*'
        }
    }
}

Describe 'cron' {
    It 'keeps what else is in the table, and runs the line that was registered' -Skip:($null -ne $NoFakes) {
        Use-Fakes crontab {
            param($folder)
            Set-Content "$folder/table-own" "MAILTO=root`n5 4 * * * theirs"
            Register-MaintenanceSchedule $nasty -ArchiveAt 01:30 -BackupEvery 00:15 -OlderThan 30.00:00:00 -Scheduler Cron
            $table = Get-Content "$folder/table-own"
            $table[0..1] | Should -Be 'MAILTO=root', '5 4 * * * theirs'
            $lines = $table -match 'Invoke-MessageMaintenance' -notmatch '^#'
            $lines[0] | Should -Match '^30 1 \* \* \* '
            $lines[1] | Should -Match '^\*/15 \* \* \* \* '

            # As cron does: the five fields go, a percent sign loses its backslash, and sh gets the rest.
            $command = ($lines[1] -replace '^(\S+ ){5}') -replace '\\%', '%'
            sh -c $command | Out-Null
            $LASTEXITCODE | Should -Be 0
            $record = Get-MaintenanceHistory $nasty
            $record | Should -HaveCount 1
            $record.Task | Should -Be 'Backup'
            $record.Decision | Should -Be 'Ran'

            Get-MaintenanceSchedule -Scheduler Cron | Unregister-MaintenanceSchedule
            Get-Content "$folder/table-own" | Should -Be 'MAILTO=root', '5 4 * * * theirs'
            { Unregister-MaintenanceSchedule $nasty -Scheduler Cron -ErrorAction Stop } | Should -Throw -ErrorId 'ScheduleNotFound*'
        }
    }

    It 'gets a non-zero exit code from a run that failed' -Skip:($null -ne $NoFakes) {
        Use-Fakes crontab {
            param($folder)
            $null = New-MessageDatabase ./full -BackupPath ./nas
            Register-MaintenanceSchedule ./full -BackupEvery 01:00:00 -Scheduler Cron
            $command = (Get-Content "$folder/table-own" | Where-Object { $_ -match 'Invoke-' -and $_ -notmatch '^#' }) -replace '^(\S+ ){5}'
            Remove-Item ./nas -Recurse
            Set-Content ./nas 'a file where the folder was'
            sh -c "$command 2>&1" | Out-Null
            $LASTEXITCODE | Should -Be 1
            (Get-MaintenanceHistory ./full)[0].Decision | Should -Be 'Failed'
        }
    }

    It 'a table that cannot be read is never overwritten' -Skip:($null -ne $NoFakes) {
        Use-Fakes crontab {
            param($folder)
            Set-Content "$folder/crontab" "#!/bin/sh`necho `"`$*`" >> `"`$(dirname `$0)/calls.txt`"; echo 'cannot open /var/spool/cron' >&2; exit 1" -NoNewline
            { Register-MaintenanceSchedule ./mail -BackupEvery 01:00:00 -Scheduler Cron -ErrorAction Stop } | Should -Throw -ErrorId 'SchedulerFailed*'
            Get-Content "$folder/calls.txt" | Should -Be '-l'
        }
    }

    It 'is the real one' -Skip:($null -ne $NoCron) {
        $before = crontab -u nobody -l 2>$null
        try {
            Register-MaintenanceSchedule ./mail -ArchiveAt 02:00 -BackupEvery 02:00:00 -Scheduler Cron -User nobody
            (Get-MaintenanceSchedule ./mail -Scheduler Cron -User nobody).Tasks.When | Should -Be '0 2 * * *', '0 */2 * * *'
            Unregister-MaintenanceSchedule ./mail -Scheduler Cron -User nobody
            crontab -u nobody -l | Should -Be $before
        } finally {
            if ($null -eq $before) { crontab -u nobody -r 2>$null } else { $before | crontab -u nobody - }
        }
    }
}

Describe 'systemd' {
    It 'finds nothing wrong with the units' -Skip:($null -ne $NoSystemd) {
        $files = Export-MaintenanceSchedule $nasty ./units -ArchiveAt 01:00 -BackupEvery 00:30 -Scheduler Systemd
        $files | Should -HaveCount 4
        $said = systemd-analyze verify --man=no ($files | Where-Object Name -Like '*.timer' | ForEach-Object FullName) 2>&1 | Where-Object { "$_" -match 'messagestore-' }
        $said | Should -BeNullOrEmpty
        foreach ($timer in $files | Where-Object Name -Like '*.timer') {
            $calendar = (Select-String -Path $timer -Pattern '^OnCalendar=(.*)$').Matches[0].Groups[1].Value
            systemd-analyze calendar $calendar | Out-Null
            $LASTEXITCODE | Should -Be 0
        }
    }
}

Describe 'The unit of the server' {
    It 'is as systemd wants it' -Skip:($null -ne $NoSystemd) {
        $unit = [regex]::Match((Get-Content $PSScriptRoot/../../docs/server.md -Raw), '(?s)```ini\n(.*?)```').Groups[1].Value
        $unit | Should -Match 'ExecStart=/usr/bin/dotnet .*messagestored.dll serve'
        # The program need not be where the page says; everything else is looked at.
        Set-Content ./messagestored.service ($unit -replace '/usr/bin/dotnet', (Get-Command true -CommandType Application)[0].Source) -NoNewline
        systemd-analyze verify --man=no ./messagestored.service 2>&1 | Where-Object { "$_" -match 'messagestored' } | Should -BeNullOrEmpty
        Set-Content ./messagestored.service ($unit -replace 'ProtectSystem=strict', 'ProtectSystem=banana') -NoNewline
        systemd-analyze verify --man=no ./messagestored.service 2>&1 | Where-Object { "$_" -match 'messagestored' } | Should -Not -BeNullOrEmpty
    }
}

Describe 'A schedule' {
    It 'is refused where <Why>' -ForEach @(
        @{ Why = 'it asks for nothing'; Arguments = @{}; ErrorId = 'InvalidParameter*' }
        @{ Why = 'backups do not divide the day'; Arguments = @{ BackupEvery = '01:30:00' }; ErrorId = 'InvalidParameter*' }
        @{ Why = 'the hour is none'; Arguments = @{ ArchiveAt = '25:00:00' }; ErrorId = 'InvalidParameter*' }
        @{ Why = 'there is no such database'; Arguments = @{ Database = './nothing'; BackupEvery = '01:00:00' }; ErrorId = 'PathNotFound*' }
    ) {
        if (-not $Arguments.Database) { $Arguments.Database = './mail' }
        { Export-MaintenanceSchedule @Arguments -Path ./refused -Scheduler Cron -ErrorAction Stop } | Should -Throw -ErrorId $ErrorId
        Test-Path ./refused | Should -BeFalse
    }

    It 'is not written over a file without -Force' {
        $null = Export-MaintenanceSchedule ./mail ./twice -BackupEvery 01:00:00 -Scheduler Cron
        { Export-MaintenanceSchedule ./mail ./twice -BackupEvery 02:00:00 -Scheduler Cron -ErrorAction Stop } | Should -Throw -ErrorId 'FileExists*'
        Get-Content -Raw (Export-MaintenanceSchedule ./mail ./twice -BackupEvery 02:00:00 -Scheduler Cron -Force).FullName | Should -Match '\*/2 \* \* \*'
    }
}
