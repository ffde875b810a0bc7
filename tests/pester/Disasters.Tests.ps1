BeforeAll {
    . $PSScriptRoot/Support.ps1
    $root = New-TestFolder disasters
    $processes = [Collections.Generic.List[object]]::new()
    $ConfirmPreference = 'None'
    $server = Get-ChildItem "$RepositoryRoot/src/MessageStore.Server/bin" -Recurse -Filter messagestored.dll -ErrorAction Ignore | Where-Object FullName -Match 'Release' | Select-Object -First 1

    # A database on four devices: what is deleted here, no other place has.
    function New-Devices([string] $Name) {
        $place = "$root/$Name"
        $null = New-Item -ItemType Directory "$place/ssd", "$place/disk", "$place/disk2/backups", "$place/nas"
        $db = New-MessageDatabase "$place/mail" -StorageGroup SG1, SG2 -StorePath "$place/ssd/store" -LogPath "$place/disk/logs" -BackupPath "$place/disk2/backups" -ArchivePath "$place/nas/archive" -PassThru
        New-StoredMailbox $db alice
        New-StoredMailbox $db bob
        [pscustomobject]@{ Place = $place; Database = "$place/mail"; Ssd = "$place/ssd/store"; Logs = "$place/disk/logs"; Backups = "$place/disk2/backups"; Archive = "$place/nas/archive" }
    }
    # Imports messages that no other call imports, and gives back the digests that were acknowledged.
    $script:number = 0
    function Add-Mail($Devices, [int] $Count, [string] $Mailbox = 'alice', [string] $Received = '2024-03-01 08:00:00') {
        $file = "$root/$((++$script:number)).mbox"
        New-Mbox $file $Count -Received "$([datetime]::Parse($Received).AddSeconds($script:number).ToString('s'))" -Size 1500
        (Import-StoredMessage $Devices.Database $Mailbox $file -PassThru).Sha256
    }
    # The digest of every message that a database gives out, from its bytes.
    function Read-Digest([string] $Database) {
        $out = "$root/out-$((++$script:number))"
        $failed = (Get-StoredMessage $Database | Export-StoredMessage -Path $out | Measure-Object Failed -Sum).Sum
        $failed | Should -Be 0
        Get-Digest (Get-ChildItem $out -Recurse -File).FullName
    }
    function Compare-Digest($Expected, $Actual) { @(Compare-Object @($Expected) @($Actual)).Count }
    # A process that imports and writes down what was acknowledged.
    function Start-Load($Devices) {
        New-Mbox "$($Devices.Place)/load.mbox" 20000 -Received '2024-05-01 08:00:00' -Size 1500
        $writer = Start-Pwsh $Devices.Place @"
`$acks = [IO.StreamWriter]::new('$($Devices.Place)/acks'); `$acks.AutoFlush = `$true
Import-StoredMessage '$($Devices.Database)' bob '$($Devices.Place)/load.mbox' -PassThru | ForEach-Object { `$acks.Write("`$(`$_.Sha256)``n") }
"@
        $processes.Add($writer.Process)
        $writer
    }
    function Get-Acknowledged($Devices) { [IO.File]::ReadAllLines("$($Devices.Place)/acks").Where({ $_.Length -eq 64 }) }
    function Wait-Acknowledged($Devices, [int] $Count) {
        Wait-Until { (Test-Path "$($Devices.Place)/acks") -and (Get-Item "$($Devices.Place)/acks").Length -ge 65 * $Count } -Seconds 120 | Should -BeTrue
    }
}
AfterAll {
    foreach ($process in $processes) { if (-not $process.HasExited) { $process.Kill(); $process.WaitForExit() } }
    Remove-TestFolder $root
}

Describe 'The SSD is lost in the middle of a load' {
    It 'costs nothing that was acknowledged' {
        $lost = New-Devices ssd
        $before = Add-Mail $lost 20
        $null = Start-StorageGroupBackup $lost.Database
        $writer = Start-Load $lost
        Wait-Acknowledged $lost 200
        Remove-Item $lost.Ssd -Recurse -Force
        Wait-Until { $writer.Process.HasExited -or (Get-Acknowledged $lost).Count -gt 300 } -Seconds 120 | Should -BeTrue
        $writer.Process.Kill(); $writer.Process.WaitForExit()
        (Get-MessageDatabase $lost.Database -WarningAction SilentlyContinue).State | Should -Be Failed
        $null = New-Item -ItemType Directory $lost.Ssd # the new device
        $run = Restore-MessageDatabase $lost.Backups $lost.Database -Force -WarningAction SilentlyContinue
        $run.Messages | Should -BeGreaterOrEqual 220
        $after = Read-Digest $lost.Database
        # One message may have been durable without its answer having been written down.
        @($before + (Get-Acknowledged $lost) | Where-Object { $_ -notin $after }).Count | Should -Be 0
        (Start-StorageGroupBackup $lost.Database | Test-StorageGroupBackup).Result | Should -Be Verified
    }
}

Describe 'The store of one group is lost' {
    It 'comes back from the server while the other group serves' {
        $lost = New-Devices group
        $alice = Add-Mail $lost 10
        $bob = Add-Mail $lost 10 bob
        $null = Start-StorageGroupBackup $lost.Database
        $bob += Add-Mail $lost 10 bob
        Remove-Item "$($lost.Ssd)/sg2" -Recurse -Force
        $null = Start-MessageServer $lost.Database
        try {
            (Get-StorageGroup $lost.Database -WarningAction SilentlyContinue).State | Should -Be Open, Failed
            $alice += Add-Mail $lost 5
            { Restore-MessageDatabase $lost.Backups $lost.Database -Force -WarningAction SilentlyContinue } | Should -Throw -ErrorId 'DatabaseInUse,*'
            $run = Restore-MessageDatabase $lost.Backups $lost.Database -StorageGroup SG2 -Force -WarningAction SilentlyContinue
            $run.StorageGroups | Should -Be SG2
            (Get-StorageGroup $lost.Database).State | Should -Be Open, Open
            Compare-Digest ($alice + $bob) (Read-Digest $lost.Database) | Should -Be 0
            $bob += Add-Mail $lost 2 bob
        } finally { Stop-MessageServer $lost.Database }
        Compare-Digest ($alice + $bob) (Read-Digest $lost.Database) | Should -Be 0
    }
}

Describe 'The log disk is lost' {
    It 'costs at most the last megabyte after an orderly end, and nothing that the store still shows' {
        $lost = New-Devices logs
        $old = Add-Mail $lost 20
        $null = Start-StorageGroupBackup $lost.Database
        $new = Add-Mail $lost 400 bob # more than the megabyte that an orderly end leaves to the logs
        $new += Add-Mail $lost 5 bob
        Remove-Item $lost.Logs -Recurse -Force
        $status = Get-MessageDatabase $lost.Database -WarningAction SilentlyContinue
        $status.State | Should -Be ReadOnly
        { Import-StoredMessage $lost.Database bob "$root/1.mbox" -ErrorAction Stop } | Should -Throw -ErrorId 'GroupClosedForWriting,*'
        $shown = Read-Digest $lost.Database
        Compare-Digest ($old + $new | Where-Object { $_ -in $shown }) $shown | Should -Be 0
        @($old | Where-Object { $_ -notin $shown }).Count | Should -Be 0
        @($new | Where-Object { $_ -notin $shown }).Count * 1800 | Should -BeLessOrEqual 1MB
        # The runbook: save what is newer than the backup, restore, bring it back.
        $messages = @(Get-StoredMessage $lost.Database)
        $messages | Export-StoredMessage -Path "$($lost.Place)/rescue" | Out-Null
        $null = New-Item -ItemType Directory $lost.Logs
        $null = Restore-MessageDatabase $lost.Backups $lost.Database -Force -WarningAction SilentlyContinue
        $have = [Collections.Generic.HashSet[guid]]::new([guid[]](Get-StoredMessage $lost.Database).Id)
        foreach ($group in $messages | Where-Object { -not $have.Contains($_.Id) } | Group-Object Mailbox, Folder) {
            $files = $group.Group | ForEach-Object { "$($lost.Place)/rescue/*/*/*$($_.Id).eml" }
            $null = Import-StoredMessage $lost.Database $group.Group[0].Mailbox $files -Folder $group.Group[0].Folder
        }
        Compare-Digest $shown (Read-Digest $lost.Database) | Should -Be 0
        (Start-StorageGroupBackup $lost.Database | Test-StorageGroupBackup).Result | Should -Be Verified
    }
}

Describe 'The backup disk is lost' {
    It 'costs no mail, is told, and another backup protects again' {
        $lost = New-Devices backups
        $all = Add-Mail $lost 20
        $null = Start-StorageGroupBackup $lost.Database
        $all += Add-Mail $lost 10 bob
        Remove-Item $lost.Backups -Recurse -Force
        $status = Get-MessageDatabase $lost.Database -WarningVariable told -WarningAction SilentlyContinue
        $status.BackupAge | Should -BeNullOrEmpty
        $status.StorageGroups.Warning | Should -Match 'back up now'
        { Start-StorageGroupBackup $lost.Database -ErrorAction Stop } | Should -Throw -ErrorId 'PathNotFound,*'
        $null = New-Item -ItemType Directory $lost.Backups # the new device
        $backup = Start-StorageGroupBackup $lost.Database
        (Test-StorageGroupBackup $backup.Path).Result | Should -Be Verified
        (Get-MessageDatabase $lost.Database).BackupAge | Should -BeLessThan ([timespan]'01:00:00')
        $null = Restore-MessageDatabase $backup.Path "$($lost.Place)/again"
        Compare-Digest $all (Read-Digest "$($lost.Place)/again") | Should -Be 0
        Compare-Digest $all (Read-Digest $lost.Database) | Should -Be 0
    }
}

Describe 'A storage node with a copy of the archive is lost' {
    It 'costs no archived message, then or when the next one goes' {
        $lost = New-Devices nodes
        Set-Content "$($lost.Place)/key" '0123456789abcdef0123456789abcdef'
        if (-not $IsWindows) { chmod 600 "$($lost.Place)/key" }
        function Start-Node([string] $Name) {
            $node = Start-Process dotnet -ArgumentList $server.FullName, 'node', '--name', $Name, '--unit', "$($lost.Place)/$Name", '--create', '--key-file', "$($lost.Place)/key", '--directory', "$($lost.Place)/nodes.json" `
                -PassThru -RedirectStandardOutput "$($lost.Place)/$Name.out" -RedirectStandardError "$($lost.Place)/$Name.err"
            $processes.Add($node)
            Wait-Until { @(Get-StorageNodeRecord "$($lost.Place)/nodes.json" -ErrorAction Ignore | Where-Object Name -EQ $Name).Count } -Seconds 180 | Should -BeTrue
            $node
        }
        $first = Start-Node n1
        $second = Start-Node n2
        Set-MessageArchive $lost.Database -Target Nodes -NodeDirectory "$($lost.Place)/nodes.json" -NodeKeyFile "$($lost.Place)/key"
        $old = Add-Mail $lost 20 -Received '2003-03-01 08:00:00'
        $new = Add-Mail $lost 5
        (Start-MessageArchive $lost.Database -Before 2010-01-01).Moved | Should -Be 20
        $first.Kill(); $first.WaitForExit()
        Remove-Item "$($lost.Place)/n1" -Recurse -Force
        Compare-Digest ($old + $new) (Read-Digest $lost.Database) | Should -Be 0
        $null = Start-Node n3
        (Repair-StorageNode $lost.Database -WarningAction SilentlyContinue).UnderReplicated | Should -Be 0
        $second.Kill(); $second.WaitForExit()
        Remove-Item "$($lost.Place)/n2" -Recurse -Force
        Compare-Digest ($old + $new) (Read-Digest $lost.Database) | Should -Be 0
    }
}

Describe 'All but the NAS is lost' {
    It 'costs what came after the last shipped log, and nothing else' {
        $lost = New-Devices nas
        $nas = "$($lost.Place)/nas/backups"
        $null = New-Item -ItemType Directory $nas
        $kept = Add-Mail $lost 10 -Received '2003-03-01 08:00:00'
        (Start-MessageArchive $lost.Database -Before 2010-01-01).Moved | Should -Be 10
        $kept += Add-Mail $lost 10 bob
        $null = Start-StorageGroupBackup $lost.Database -Destination $nas
        $kept += Add-Mail $lost 10
        $null = Start-StorageGroupBackup $lost.Database -Destination $nas -Kind Incremental
        $kept += Add-Mail $lost 10 bob
        $null = Start-StorageGroupBackup $lost.Database -Destination $nas -Kind Logs
        $null = Add-Mail $lost 3
        Remove-Item $lost.Database, "$($lost.Place)/ssd", "$($lost.Place)/disk", "$($lost.Place)/disk2" -Recurse -Force
        $run = Restore-MessageDatabase $nas $lost.Database -NewStorePath "$($lost.Place)/ssd/store" -NewLogPath "$($lost.Place)/disk/logs" -NewBackupPath $nas
        $run.Warnings | Should -BeNullOrEmpty
        $status = Get-MessageDatabase $lost.Database
        $status.StorePath | Should -Be "$($lost.Place)/ssd/store"
        $status.ArchivedMessageCount | Should -Be 10
        Compare-Digest $kept (Read-Digest $lost.Database) | Should -Be 0
        (Start-StorageGroupBackup $lost.Database | Test-StorageGroupBackup).Result | Should -Be Verified
    }
}

Describe 'The machine is lost' {
    It 'costs nothing that is in its backups, wherever they are mounted on another one' {
        $lost = New-Devices machine
        $all = Add-Mail $lost 10 -Received '2003-03-01 08:00:00'
        $null = Start-MessageArchive $lost.Database -Before 2010-01-01
        $all += Add-Mail $lost 10 bob
        $null = Start-StorageGroupBackup $lost.Database
        $other = (New-Item -ItemType Directory "$root/other").FullName
        Move-Item $lost.Backups "$other/mounted-backups"
        Move-Item $lost.Archive "$other/mounted-archive"
        Remove-Item $lost.Place -Recurse -Force
        $run = Restore-MessageDatabase "$other/mounted-backups" "$other/mail" -NewArchivePath "$other/mounted-archive" -NewBackupPath "$other/mounted-backups"
        $run.Warnings | Should -BeNullOrEmpty
        Compare-Digest $all (Read-Digest "$other/mail") | Should -Be 0
        (Get-MessageDatabase "$other/mail").BackupAge | Should -Not -BeNullOrEmpty
        $all += (Import-StoredMessage "$other/mail" carol "$root/1.mbox" -PassThru).Sha256
        (Start-StorageGroupBackup "$other/mail" -Kind Incremental | Test-StorageGroupBackup).Result | Should -Be Verified
        Compare-Digest $all (Read-Digest "$other/mail") | Should -Be 0
    }
}
