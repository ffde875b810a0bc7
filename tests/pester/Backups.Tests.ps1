BeforeAll {
    . $PSScriptRoot/Support.ps1
    function Get-ErrorId([scriptblock] $Command) {
        @(try { & $Command 2>&1 } catch { $_ }).Where({ $_ -is [Management.Automation.ErrorRecord] }).ForEach({ ($_.FullyQualifiedErrorId -split ',')[0] })
    }
}

Describe 'Backups' {
    BeforeEach {
        $place = New-TestFolder backups
        Push-Location $place
        $null = New-MessageDatabase ./mail -StorageGroup SG1
        $null = New-Item -ItemType Directory ./letters
        1..8 | ForEach-Object { [IO.File]::WriteAllText("$place/letters/$_.eml", (New-Mail $_ -Size 20000)) }
        $null = Import-StoredMessage ./mail alice ./letters
    }
    AfterEach { Pop-Location; Remove-TestFolder $place }

    It 'go to two places, and one that fails is an error while the other completes' {
        $run = Start-StorageGroupBackup ./mail -Destination ./disk, ./nas
        $run.Copies.IsComplete | Should -Be $true, $true
        $run.Copies | Test-StorageGroupBackup | ForEach-Object { $_.Result | Should -Be Verified }
        Set-Content ./blocked x
        $run = Start-StorageGroupBackup ./mail -Destination ./disk, ./blocked/in -ErrorAction SilentlyContinue -ErrorVariable bad
        $run.Copies.IsComplete | Should -Be $true, $false
        $bad.Count | Should -Be 1
        $bad[0].FullyQualifiedErrorId | Should -BeLike "$($run.Copies[1].ErrorId),*"
        @(Get-ErrorId { Start-StorageGroupBackup ./mail -Destination ./disk, ./disk }) | Should -Be 'InvalidParameter'
    }

    It 'can be incremental, and a chain restores to its end' {
        @(Get-ErrorId { Start-StorageGroupBackup ./mail -Kind Incremental }) | Should -Be 'BaseBackupNotFound'
        $full = Start-StorageGroupBackup ./mail
        [IO.File]::WriteAllText("$place/new.eml", (New-Mail 99))
        $null = Import-StoredMessage ./mail bob ./new.eml
        $next = Start-StorageGroupBackup ./mail -Kind Incremental -Priority Backup
        $next.BasePath | Should -Be $full.Path
        $next.Bytes | Should -BeLessThan ($full.Bytes / 2)
        ($next | Test-StorageGroupBackup).Result | Should -Be Verified
        (Restore-MessageDatabase $next.Path ./again).Messages | Should -Be 9
        (Get-MessageDatabase ./again).BackupAge | Should -BeGreaterThan ([timespan]::Zero)
        $listed = @(Get-StorageGroupBackup ./mail)
        $listed.Kind | Should -Be Incremental, Full
        $listed.IsChainWhole | Should -Be $true, $true
        $listed[0].BaseId | Should -Be $full.Id
        $listed[0].LsnRanges[0].LastLsn | Should -BeGreaterThan $listed[1].LsnRanges[0].LastLsn
        ($listed | Format-List | Out-String) | Should -Match 'SG1 \d+ to \d+'
        Remove-Item $full.Path
        $listed = @(Get-StorageGroupBackup ./mail)
        $listed[0].IsChainWhole | Should -BeFalse
        $listed[0].Reason | Should -Match ([regex]::Escape("$($full.Id)"))
        (Get-MessageDatabase ./mail).BackupAge | Should -BeNullOrEmpty
    }

    It 'go by count, but not the last good one' {
        1..3 | ForEach-Object { $null = Start-StorageGroupBackup ./mail }
        $gone = @(Remove-StorageGroupBackup ./mail -Keep 1 -Confirm:$false)
        $gone.Decision | Should -Be Removed, Removed
        (($gone | Out-String -Width 80) -split "`n" | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 80
        @(Get-StorageGroupBackup ./mail).Count | Should -Be 1
        @(Remove-StorageGroupBackup ./mail -OlderThan 0 -Confirm:$false -Verbose 4>&1).Message | Should -Match 'newest good backup'
        @(Get-StorageGroupBackup ./mail).Count | Should -Be 1
        @(Get-ErrorId { Remove-StorageGroupBackup ./mail -Confirm:$false }) | Should -Be 'InvalidParameter'
        @(Get-ErrorId { Remove-StorageGroupBackup ./mail -Keep 1 -BackupPath ./nowhere -Confirm:$false }) | Should -Be 'PathNotFound'
    }

    It 'follow one another until they are stopped' {
        $job = Start-StorageGroupBackup ./mail -Continuous -Interval 0 -LogShippingInterval 0 -AsJob
        $until = [datetime]::UtcNow.AddMinutes(2)
        while (@(Get-StorageGroupBackup -Path ./mail/backups | Where-Object IsComplete).Count -lt 3 -and [datetime]::UtcNow -lt $until) { Start-Sleep -Milliseconds 50 }
        Stop-Job $job
        $runs = @(Receive-Job $job -ErrorAction SilentlyContinue)
        Remove-Job $job
        $runs[0].Kind | Should -Be Full
        $runs[0].Reason | Should -Match 'no whole chain'
        $runs[1].Kind | Should -Be Incremental
        (Test-StorageGroupBackup $runs[1].Path).Result | Should -Be Verified
        { Start-StorageGroupBackup ./mail -Continuous -MaximumAge 30 } | Should -Throw '*ticks*'
    }

    It 'ship logs between sessions' {
        $null = Start-StorageGroupBackup ./mail
        $null = Import-StoredMessage ./mail bob ./letters
        $logs = Start-StorageGroupBackup ./mail -Kind Logs
        $logs.Kind | Should -Be Logs
        ($logs | Test-StorageGroupBackup).Messages | Should -Be 16
        (Restore-MessageDatabase ./mail/backups ./again).Messages | Should -Be 16
    }

    It 'can be compressed and encrypted, and a wrong key says so' {
        [IO.File]::WriteAllBytes("$place/backup.key", [byte[]](1..32))
        if (-not $IsWindows) {
            [IO.File]::SetUnixFileMode("$place/backup.key", 'UserRead, UserWrite, GroupRead')
            @(Get-ErrorId { Start-StorageGroupBackup ./mail -KeyFile ./backup.key }) | Should -Be 'InvalidParameter'
            [IO.File]::SetUnixFileMode("$place/backup.key", 'UserRead, UserWrite')
        }
        $run = Start-StorageGroupBackup ./mail -Compression Fastest -KeyFile ./backup.key
        $run.Bytes | Should -BeLessThan $run.ContentBytes
        @(Get-StorageGroupBackup ./mail)[0].IsComplete | Should -BeTrue
        ($run | Test-StorageGroupBackup -KeyFile ./backup.key).Result | Should -Be Verified
        @(Get-ErrorId { $run | Test-StorageGroupBackup }) | Should -Be 'BackupKeyRequired'
        $password = ConvertTo-SecureString 'correct horse' -AsPlainText -Force
        @(Get-ErrorId { $run | Test-StorageGroupBackup -EncryptionKey $password }) | Should -Be 'BackupKeyRequired'
        @(Get-ErrorId { Start-StorageGroupBackup ./mail -EncryptionKey $password -KeyFile ./backup.key }) | Should -Be 'InvalidParameter'
        (Restore-MessageDatabase $run.Path ./again -KeyFile ./backup.key).Messages | Should -Be 8

        $run = Start-StorageGroupBackup ./mail -EncryptionKey $password
        $wrong = ConvertTo-SecureString 'correct house' -AsPlainText -Force
        @(Get-ErrorId { Restore-MessageDatabase $run.Path ./never -EncryptionKey $wrong }) | Should -Be 'BackupKeyWrong'
        Test-Path ./never | Should -BeFalse
        $lost = (Get-StoredMessage ./mail)[0]
        $lost | Remove-StoredMessage -Confirm:$false
        @(Get-ErrorId { Restore-StoredMessage $run.Path ./mail -Id $lost.Id }) | Should -Be 'BackupKeyRequired'
        (Restore-StoredMessage $run.Path ./mail -Id $lost.Id -EncryptionKey $password).Result | Should -Be Restored
        $record = Invoke-MessageMaintenance ./mail -Task Backup -BackupCompression Fastest -EncryptionKey $password
        ($record.Result | Test-StorageGroupBackup -EncryptionKey $password).Result | Should -Be Verified
        Get-ChildItem ./mail -Recurse -File -Exclude *.msbackup | Select-String 'correct horse' -List | Should -BeNullOrEmpty
    }

    It 'go into a pipe, and count only where somebody can look' -Skip:($IsWindows -or -not (Get-Command mkfifo -ErrorAction Ignore)) {
        mkfifo ./pipe
        $reader = Start-Process sh "-c `"cat '$place/pipe' > '$place/saved'`"" -PassThru
        $job = Start-StorageGroupBackup ./mail -Destination ./pipe -Compression Fastest -AsJob
        Wait-Job $job -Timeout 120 | Should -Not -BeNullOrEmpty -Because 'somebody reads the pipe'
        $reader.WaitForExit(120000) | Should -BeTrue
        $run = Receive-Job $job -WarningVariable told -WarningAction SilentlyContinue
        $run.Copies.IsStream | Should -BeTrue
        $told | Should -Match 'BackupAge'
        Remove-Job $job
        (Get-MessageDatabase ./mail).BackupAge | Should -BeNullOrEmpty
        (Test-StorageGroupBackup ./saved).Result | Should -Be Verified
        (Restore-MessageDatabase ./saved ./again).Messages | Should -Be 8
        @(Get-ErrorId { Start-StorageGroupBackup ./mail -Destination ./pipe -Kind Incremental }) | Should -Be 'InvalidParameter'
        $server = "dotnet '$RepositoryRoot/lib/server/messagestored.dll' backup --output - --compression Fastest"
        sh -c "$server --database ./mail > ./piped 2> ./told" | Should -BeNullOrEmpty
        $LASTEXITCODE | Should -Be 0 -Because (Get-Content ./told -Raw)
        (Test-StorageGroupBackup ./piped).Result | Should -Be Verified
        Get-ChildItem ./mail -Filter *.pipe | Should -BeNullOrEmpty
        $null = sh -c "$server --database ./nowhere 2>&1"
        $LASTEXITCODE | Should -Be 1
        @(Get-ErrorId { Start-StorageGroupBackup ./mail -Destination ./pipe -Continuous }) | Should -Be 'InvalidParameter'
    }

    It 'that are overdue are an error again and again, whatever keeps them from being made' {
        Remove-Item ./mail/backups -Recurse
        $job = Start-StorageGroupBackup ./mail -Continuous -MaximumAge 00:00:01 -AsJob
        Wait-Until -Seconds 120 { @($job.Error.FullyQualifiedErrorId -like 'BackupTooOld*').Count -ge 2 } | Should -BeTrue
        Stop-Job $job
        @($job.Error.FullyQualifiedErrorId -like 'PathNotFound*').Count | Should -BeGreaterOrEqual 1
        Remove-Job $job -Force
    }

    It 'that are overdue are entered in syslog' -Skip:$IsWindows {
        $daemon = [Net.Sockets.Socket]::new('Unix', 'Dgram', 'Unspecified')
        $daemon.Bind([Net.Sockets.UnixDomainSocketEndPoint]::new("$place/log"))
        $daemon.ReceiveTimeout = 120000
        $before = $env:MESSAGESTORE_SYSLOG
        try {
            $env:MESSAGESTORE_SYSLOG = "$place/log"
            Remove-Item ./mail/backups -Recurse
            $job = Start-StorageGroupBackup ./mail -Continuous -MaximumAge 00:00:01 -AsJob
            $buffer = [byte[]]::new(4096)
            $line = [Text.Encoding]::UTF8.GetString($buffer, 0, $daemon.Receive($buffer))
            $line | Should -Match "^<27>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d MessageStore\[\d+\]: BackupTooOld: There is no backup of $([regex]::Escape("$place/mail")) after 00:00:01\.$"
        } finally {
            $env:MESSAGESTORE_SYSLOG = $before
            $daemon.Dispose()
            if ($job) { Stop-Job $job; Remove-Job $job -Force }
        }
    }
}
