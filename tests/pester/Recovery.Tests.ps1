BeforeDiscovery {
    . $PSScriptRoot/Support.ps1
    # The fenced PowerShell of docs/recovery.md, section by section.
    $Sections = [Collections.Generic.List[object]]::new()
    $title = ''; $block = $null
    foreach ($line in [IO.File]::ReadAllLines("$RepositoryRoot/docs/recovery.md")) {
        if ($null -ne $block) {
            if ($line -eq '```') { $Sections[-1].Blocks.Add(($block -join "`n")); $block = $null } else { $block.Add($line) }
        } elseif ($line -eq '```powershell') {
            if (-not $Sections.Count -or $Sections[-1].Title -ne $title) { $Sections.Add(@{ Title = $title; Blocks = [Collections.Generic.List[string]]::new() }) }
            $block = [Collections.Generic.List[string]]::new()
        } elseif ($line -match '^##+ (.+)$') { $title = $Matches[1] }
    }
    $Names = $Sections[0].Blocks[0]
    if ($Sections.Count -lt 12) { throw "docs/recovery.md has only $($Sections.Count) sections with commands." }
}
BeforeAll {
    . $PSScriptRoot/Support.ps1
    $root = New-TestFolder recovery
    $ConfirmPreference = 'None'
    # What the page writes as places of a server lies below the test's own folder.
    function Get-Code([string] $Text, [string] $Place, [string] $Moment) {
        $Text -replace '(?<![\w$/.])/(srv2?|ssd2?|disk[23]?|nas|somewhere|other|mnt)(?=/)', "$Place/`$1" `
            -replace 'Import-Module MessageStore\b.*', '' -replace "'2026-07-19 08:59'", "'$Moment'"
    }
    function Read-Digest([string] $Database) {
        $out = "$root/out-$([guid]::NewGuid())"
        (Get-StoredMessage $Database | Export-StoredMessage -Path $out | Measure-Object Failed -Sum).Sum | Should -Be 0
        Get-Digest (Get-ChildItem $out -Recurse -File).FullName
    }
    # Four messages in the archive, four young ones of alice, four of bob, and a backup of all.
    function New-Mail-Database([string] $Place) {
        $null = New-Item -ItemType Directory "$Place/srv", "$Place/ssd", "$Place/disk", "$Place/disk2/mail-backups", "$Place/nas", "$Place/somewhere", "$Place/other/disk", "$Place/mnt"
        $db = New-MessageDatabase "$Place/srv/mail" -StorageGroup SG1, SG2 -StorePath "$Place/ssd/mail" -LogPath "$Place/disk/mail-logs" -BackupPath "$Place/disk2/mail-backups" -ArchivePath "$Place/nas/mail-archive" -PassThru
        New-Mbox "$Place/old.mbox" 4 -Received '2003-03-01 08:00:00'
        New-Mbox "$Place/alice.mbox" 4 -Received "$([datetime]::UtcNow.AddDays(-3).ToString('s'))"
        New-Mbox "$Place/bob.mbox" 4 -Received "$([datetime]::UtcNow.AddDays(-2).ToString('s'))"
        $null = Import-StoredMessage $db alice "$Place/old.mbox"
        $null = Start-MessageArchive $db -Before 2010-01-01
        $null = Import-StoredMessage $db alice "$Place/alice.mbox"
        $null = Import-StoredMessage $db bob "$Place/bob.mbox"
        Copy-Item "$Place/srv/mail/database.json" "$Place/disk2/mail-backups"
        $null = Start-StorageGroupBackup $db
    }
    function Add-Later([string] $Place) { # what only the logs have
        New-Mbox "$Place/later.mbox" 3 -Received "$([datetime]::UtcNow.AddDays(-1).ToString('s'))"
        $null = Import-StoredMessage "$Place/srv/mail" bob "$Place/later.mbox"
    }
    function Edit-Backup([string] $Path) {
        $bytes = [IO.File]::ReadAllBytes($Path)
        $at = [Text.Encoding]::Latin1.GetString($bytes).LastIndexOf('Message number 2.')
        $bytes[$at] = $bytes[$at] -bxor 1
        [IO.File]::WriteAllBytes($Path, $bytes)
    }
    # What happens before each block of a section, and what must be so after the last.
    $Cases = @{
        'Before'                       = @{ Lose = @({}); Check = {} }
        'What is wrong?'               = @{ Lose = @({}); Check = {} }
        'SSD lost'                     = @{ Lose = @({ Add-Later $place; $script:all = Read-Digest $db; Remove-Item $ssd -Recurse }, {}, {}); Check = { Read-Digest "$place/somewhere/restored" | Should -Be $all; Read-Digest $db | Should -Be $all } }
        'The backup is damaged'        = @{ Lose = @({ Edit-Backup (Start-StorageGroupBackup $db).Path; Add-Later $place; $script:all = Read-Digest $db; Remove-Item $ssd -Recurse }); Check = { $run.Lost | Should -Be 1; Read-Digest $db | Should -Be $all } }
        'One group lost'               = @{ Lose = @({ Add-Later $place; $script:all = Read-Digest $db; Remove-Item "$ssd/sg2" -Recurse; $null = Start-MessageServer $db }); Check = { Read-Digest $db | Should -Be $all; Stop-MessageServer $db } }
        'Logs lost'                    = @{ Lose = @({ Add-Later $place; $null = Optimize-MessageDatabase $db; Remove-Item $logs -Recurse }, {}, {}, {}); Check = { (Read-Digest $db).Count | Should -Be @($before).Count; (Get-MessageDatabase $db).State | Should -Be Open } }
        'Backup disk lost'             = @{ Lose = @({ Remove-Item "$backups/*" }); Check = { (Get-StorageGroupBackup -Path "$place/other/disk").LastDrill | Should -BeLike 'Verified*' } }
        'Archive vanished'             = @{ Lose = @({ Move-Item $archive "$place/away"; { Export-StoredMessage $db alice "$place/never" -ErrorAction Stop } | Should -Throw -ErrorId '*ArchiveUnavailable*'; Move-Item "$place/away" $archive }); Check = { (Read-Digest $db).Count | Should -Be 12 } }
        'Archive lost'                 = @{ Lose = @({ Copy-Item $archive "$place/copy" -Recurse; Remove-Item $archive -Recurse; Move-Item "$place/copy" $archive }); Check = { $unreadable.Count | Should -Be 0; @(Get-ChildItem "$place/somewhere/check" -Recurse -File).Count | Should -Be 4 } }
        'Database folder lost'         = @{ Lose = @({ Add-Later $place; $script:all = Read-Digest $db; Remove-Item $db -Recurse }, { Read-Digest $db | Should -Be $all; Remove-Item $db -Recurse }); Check = { Read-Digest $db | Should -Be $all } }
        'On another machine'           = @{ Lose = @({ $script:all = Read-Digest $db; Move-Item $backups "$place/mnt/backups"; Move-Item $archive "$place/mnt/archive"; Remove-Item $db, $ssd, $logs -Recurse }); Check = { Read-Digest "$place/srv2/mail" | Should -Be $all } }
        'A single message'             = @{ Lose = @({ $script:all = Read-Digest $db; Get-StoredMessage $db alice | Where-Object IsArchived -EQ $false | Remove-StoredMessage }, { Read-Digest $db | Should -Be $all }, {
                    [IO.File]::WriteAllText("$place/klez.eml", (New-Mail 77).Replace('report 77', 'Worm Klez.E'))
                    $came = Import-StoredMessage $db alice "$place/klez.eml" -PassThru
                    $script:moment = [datetimeoffset]::UtcNow.ToString('o')
                    $came | Remove-StoredMessage }); Check = { (Get-StoredMessage $db alice -Subject '*Klez*').Subject | Should -Be 'Worm Klez.E' } }
    }
}
AfterAll { Remove-TestFolder $root }

Describe 'docs/recovery.md' {
    It 'has sections with commands, each of which is tried' -ForEach @{ Titles = @($Sections.Title); Count = ($Sections.Blocks | Measure-Object).Count } {
        $Titles.Count | Should -BeGreaterOrEqual 12
        $Count | Should -BeGreaterOrEqual 18
        $Titles | Sort-Object | Should -Be ($Cases.Keys | Sort-Object)
    }

    It '<Title>: every command does what it should' -ForEach @($Sections | ForEach-Object { @{ Title = $_.Title; Blocks = $_.Blocks; Names = $Names } }) {
        $place = (New-Item -ItemType Directory "$root/$([guid]::NewGuid())").FullName
        New-Mail-Database $place
        $case = $Cases[$Title]
        . ([scriptblock]::Create((Get-Code $Names $place '')))
        $WarningPreference = 'SilentlyContinue'
        for ($i = 0; $i -lt $Blocks.Count; $i++) {
            if ($i -lt $case.Lose.Count) { . $case.Lose[$i] }
            $ErrorActionPreference = 'Stop'
            . ([scriptblock]::Create((Get-Code $Blocks[$i] $place $moment))) | Out-String -Width 80 | Out-Null
            $ErrorActionPreference = 'Continue'
        }
        . $case.Check
    }
}

Describe 'docs/runbooks/Restore.Tests.ps1' {
    BeforeAll {
        $place = (New-Item -ItemType Directory "$root/runbook").FullName
        New-Mail-Database $place
        function Invoke-Runbook {
            # In a PowerShell of its own: a Pester does not run inside another.
            $script = "Import-Module '$RepositoryRoot/MessageStore.psd1'; Import-Module Pester -MinimumVersion 5.0 -MaximumVersion 5.999; `$c = New-PesterConfiguration; `$c.Run.PassThru = `$true; `$c.Output.Verbosity = 'None'; " +
                "`$c.Run.Container = New-PesterContainer -Path '$RepositoryRoot/docs/runbooks/Restore.Tests.ps1' -Data @{ Database = '$place/srv/mail' }; `$r = Invoke-Pester -Configuration `$c -WarningAction SilentlyContinue; " +
                "@{ Passed = `$r.PassedCount; Failed = @(`$r.Failed.Name); Broken = `$r.FailedContainersCount + `$r.FailedBlocksCount } | ConvertTo-Json -Compress"
            pwsh -NoProfile -NonInteractive -Command $script | Select-Object -Last 1 | ConvertFrom-Json
        }
    }

    It 'passes where the mail could be restored' {
        $result = Invoke-Runbook
        $result.Failed | Should -BeNullOrEmpty
        $result.Broken | Should -Be 0
        $result.Passed | Should -Be 6
    }

    It 'fails where the newest backup is damaged' {
        Edit-Backup (Get-StorageGroupBackup -Path "$place/disk2/mail-backups").Path
        (Invoke-Runbook).Failed | Should -Contain 'comes back from the newest backup, every digest compared'
    }
}
