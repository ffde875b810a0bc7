# What the test files share. Dot-source it in BeforeDiscovery or BeforeAll; it changes nothing but the session's modules.
$RepositoryRoot = Split-Path (Split-Path $PSScriptRoot)
$CorpusFolder = if ($env:MESSAGESTORE_CORPUS) { $env:MESSAGESTORE_CORPUS } else {
    # Beside the repository, or beside the main checkout where this is a worktree of it.
    @('../shared/corpus', '../../shared/corpus') | ForEach-Object { Join-Path $RepositoryRoot $_ } |
        Where-Object { Test-Path (Join-Path $_ 'ham.mbox.gz') } | Select-Object -First 1
}
$CorpusIsMissing = if (-not $CorpusFolder) { 'no corpus: set MESSAGESTORE_CORPUS to a folder with ham.mbox.gz and ham.tsv' }
Import-Module (Join-Path $RepositoryRoot 'MessageStore.psd1') -ErrorAction Stop

# The cmdlets that the module promises. A test that counts less has seen too little.
$PromisedCmdlets = @(
    'Get-StorageNodeRecord', 'Register-StorageNode', 'Repair-StorageNode', 'Set-MessageArchive', 'Start-StorageNode', 'Stop-StorageNode', 'Test-StorageNode', 'Unregister-StorageNode',
    'Add-MessageHold', 'Block-MessageArchive', 'Get-MessageHold', 'Remove-ExpiredMessage', 'Remove-MessageHold', 'Remove-StorageGroupBackup', 'Restore-ArchivedMessage', 'Set-MessageDatabase', 'Set-StoredMailbox',
    'Test-MessageArchive', 'Unblock-MessageArchive',
    'Export-MaintenanceSchedule', 'Export-StoredMessage', 'Find-StoredMessage', 'Get-ArchiveKey', 'Move-ArchiveKey', 'Get-MaintenanceHistory', 'Get-MaintenanceSchedule', 'Get-MessageArchive', 'Get-MessageDatabase', 'Get-MessageServer', 'Get-StorageGroup',
    'Get-StorageGroupBackup', 'Get-StoredMailbox', 'Get-StoredMessage', 'Import-StoredMessage', 'Invoke-MessageMaintenance',
    'Move-StoredMessage', 'New-MessageDatabase', 'New-StoredMailbox', 'Optimize-MessageDatabase', 'Register-MaintenanceSchedule', 'Remove-StoredMailbox', 'Remove-StoredMessage',
    'Restore-MessageDatabase', 'Restore-StoredMessage', 'Set-StoredMessage', 'Start-MessageArchive', 'Start-MessageServer', 'Start-StorageGroupBackup', 'Stop-MessageServer',
    'Test-MessageDatabase', 'Test-StorageGroupBackup', 'Unregister-MaintenanceSchedule', 'Update-MessageSearchIndex')

function New-TestFolder {
    # A folder of the test file's own. Not TestDrive: Pester empties that after each block, under the feet of a database that lives longer.
    param([string] $Name)
    (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) "messagestore-$Name-$([guid]::NewGuid().ToString('n').Substring(0, 12))")).FullName
}

function Stop-TestServer {
    # Stops the servers of databases at and below a path: before a test does something to the files, or restores over them. Nothing without servers.
    param([string] $Path)
    foreach ($note in Get-ChildItem -LiteralPath $Path -Recurse -Force -Filter database.lock.json -ErrorAction Ignore) {
        if ((Get-MessageServer $note.DirectoryName -ErrorAction Ignore).State -eq 'Running') { Stop-MessageServer $note.DirectoryName }
    }
}

if ($env:MESSAGESTORE_PESTER_SERVER) {
    # Every database that a test makes gets a server, so that all the cmdlets of the test go through its socket.
    function New-MessageDatabase {
        MessageStore\New-MessageDatabase @args
        $path = "$($args[0])"
        if ($args -notcontains '-WhatIf' -and $path -and (Test-Path -LiteralPath "$path/database.json") -and (Get-MessageServer $path).State -eq 'Stopped') { $null = Start-MessageServer $path }
    }
}

function Remove-TestFolder {
    param([string] $Path)
    Stop-TestServer $Path
    if ($Path -like '*messagestore-*') { Remove-Item -LiteralPath $Path -Recurse -Force }
}

function Get-EngineType {
    # The engine lies in a load context of its own, so a type literal does not find its types.
    param([string] $Name)
    [AppDomain]::CurrentDomain.GetAssemblies().Where({ $_.GetName().Name -eq 'MessageStore.Engine' })[0].GetType("MessageStore.$Name")
}

function New-Mail {
    # The text of a message; a line of 'From ' before it where it goes into an mbox.
    param([int] $Number, [string] $Received = '2002-08-22 12:46:18', [int] $Size = 200)
    $date = [datetime]::SpecifyKind([datetime]::Parse($Received, [cultureinfo]::InvariantCulture), 'Utc')
    @(
        "From: Writer $Number <writer$Number@example.org>"
        'To: alice@example.org'
        "Subject: report $Number"
        "Date: $($date.ToString('ddd, dd MMM yyyy HH:mm:ss', [cultureinfo]::InvariantCulture)) +0000"
        "Message-ID: <$Number.$($date.Ticks)@example.org>"
        ''
        "Message number $Number."
        'x' * $Size
        ''
    ) -join "`n"
}

function New-Mbox {
    param([string] $Path, [int] $Count, [string] $Received = '2002-08-22 12:46:18', [int] $Size = 200)
    $date = [datetime]::Parse($Received, [cultureinfo]::InvariantCulture)
    $writer = [IO.StreamWriter]::new($Path)
    try {
        foreach ($number in 1..$Count) {
            $writer.Write("From writer$number@example.org $($date.ToString('ddd MMM dd HH:mm:ss yyyy', [cultureinfo]::InvariantCulture))`n")
            $writer.Write((New-Mail $number $Received $Size)); $writer.Write("`n")
        }
    } finally { $writer.Dispose() }
}

function Get-Digest {
    # SHA-256 of every file, sorted, for comparing sets of messages.
    param([string[]] $Path)
    $Path | ForEach-Object { [Convert]::ToHexString([Security.Cryptography.SHA256]::HashData([IO.File]::ReadAllBytes($_))).ToLowerInvariant() } | Sort-Object
}

function Get-Tree {
    # Names, lengths and contents of everything below a folder: what must not change under -WhatIf.
    param([string] $Path)
    Get-ChildItem -LiteralPath $Path -Recurse -File -Force | Where-Object { $_.Name -notlike '*lock*' -and $_.Name -notlike 'database.sock' } | Sort-Object FullName |
        ForEach-Object { "$($_.FullName) $($_.Length) $((Get-FileHash -LiteralPath $_.FullName).Hash)" }
}

function New-Sandbox {
    # The place that the help examples run in: a database ./mail with two groups, mailboxes alice and bob, and a backup; files of mail.
    param([string] $Path)
    $null = New-Item -ItemType Directory -Path $Path, "$Path/letters" -Force
    New-Mbox "$Path/inbox.mbox" 3
    New-Mbox "$Path/new.mbox" 2 -Received '2024-03-01 08:00:00'
    1..2 | ForEach-Object { [IO.File]::WriteAllText("$Path/letters/$_.eml", (New-Mail $_)) }
    $database = New-MessageDatabase "$Path/mail" -StorageGroup SG1, SG2 -PassThru
    $null = Import-StoredMessage $database alice "$Path/inbox.mbox", "$Path/new.mbox"
    New-StoredMailbox $database bob
    $null = Start-StorageGroupBackup $database
}

function Start-Pwsh {
    # A process of its own that runs a script with the module imported; its output goes to files beside the script.
    param([string] $Folder, [string] $Script)
    $name = [guid]::NewGuid().ToString('n').Substring(0, 8)
    $file = Join-Path $Folder "$name.ps1"
    Set-Content -LiteralPath $file -Value "`$ErrorActionPreference = 'Stop'`nImport-Module '$RepositoryRoot/MessageStore.psd1'`n$Script"
    # The program itself and no launcher of it, such as a .NET tool has: whoever kills the process must hit PowerShell.
    $program = [Environment]::ProcessPath
    $assembly = @(if ((Split-Path $program -LeafBase) -eq 'dotnet') { "$PSHOME/pwsh.dll" })
    $process = Start-Process $program -ArgumentList ($assembly + '-NoProfile', '-NonInteractive', '-File', $file) -PassThru `
        -RedirectStandardOutput "$file.out" -RedirectStandardError "$file.err"
    [pscustomobject]@{ Process = $process; Out = "$file.out"; Err = "$file.err" }
}

function Wait-Until {
    # Polls a condition; false when time is up. The time is a guard against hanging, not a bound on anything.
    param([scriptblock] $Condition, [double] $Seconds = 120)
    $watch = [Diagnostics.Stopwatch]::StartNew()
    while ($watch.Elapsed.TotalSeconds -lt $Seconds) {
        if (& $Condition) { return $true }
        Start-Sleep -Milliseconds 50
    }
    $false
}
