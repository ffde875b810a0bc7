BeforeDiscovery {
    . $PSScriptRoot/Support.ps1
    # A disk of our own that can fill up or be read-only takes root and tmpfs.
    $CanMount = $IsLinux -and (id -u) -eq '0' -and $(
        $probe = Join-Path ([IO.Path]::GetTempPath()) "ms-mount-$PID"
        $null = New-Item -ItemType Directory $probe
        mount -t tmpfs -o size=64k none $probe 2>$null
        $mounted = $LASTEXITCODE -eq 0
        if ($mounted) { umount $probe }
        Remove-Item $probe
        $mounted)
}
BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder bad
    New-Sandbox $place
    Push-Location $place
    function Get-ErrorId([scriptblock] $Command) {
        # The identifiers of all errors, terminating and not, without the cmdlet's name.
        $found = @(try { & $Command 2>&1 } catch { $_ })
        $found.Where({ $_ -is [Management.Automation.ErrorRecord] }).ForEach({ ($_.FullyQualifiedErrorId -split ',')[0] })
    }
    function New-DamagedCopy([string] $Path, [string] $Source, [long] $At, [switch] $Cut) {
        $bytes = [IO.File]::ReadAllBytes($Source)
        if ($Cut) { $bytes = $bytes[0..($At - 1)] } else { $bytes[$At] = $bytes[$At] -bxor 0x55 }
        [IO.File]::WriteAllBytes($Path, $bytes)
    }
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe 'Bad paths and databases' {
    It '<Name> is <Id>' -ForEach @(
        @{ Name = 'a missing path'; Id = 'PathNotFound'; Command = { Get-MessageDatabase ./nowhere } }
        @{ Name = 'a folder that is no database'; Id = 'NotADatabase'; Command = { Get-StoredMailbox ./letters } }
        @{ Name = 'a new database where one is'; Id = 'DatabaseExists'; Command = { New-MessageDatabase ./mail } }
        @{ Name = 'a pattern that matches nothing'; Id = 'PathNotFound'; Command = { Get-MessageDatabase ./no*such } }
        @{ Name = 'a storage group that is not there'; Id = 'GroupNotFound'; Command = { New-StoredMailbox ./mail zoe -StorageGroup SG9 } }
        @{ Name = 'a mailbox that is there'; Id = 'MailboxExists'; Command = { New-StoredMailbox ./mail alice } }
        @{ Name = 'a mailbox that is not there'; Id = 'MailboxNotFound'; Command = { Remove-StoredMailbox ./mail nobody -Confirm:$false } }
        @{ Name = 'a message that is not there'; Id = 'MessageNotFound'; Command = { Set-StoredMessage ./mail (New-Guid) -IsRead $true } }
        @{ Name = 'a backup that is not there'; Id = 'BackupNotFound|PathNotFound'; Command = { Restore-MessageDatabase ./nowhere.msbackup ./new } }
        @{ Name = 'a restore over something'; Id = 'DestinationNotEmpty'; Command = { Restore-MessageDatabase ./mail/backups ./letters } }
        @{ Name = 'a required mailbox'; Id = 'MailboxNotFound'; Command = { Import-StoredMessage ./mail nobody ./inbox.mbox -RequireMailbox } }
    ) {
        $ids = @(Get-ErrorId $Command)
        $ids.Count | Should -Be 1
        $ids[0] | Should -Match "^($Id)$"
        (Get-StoredMessage ./mail).Count | Should -Be 5
    }

    It 'a database of a newer format is DatabaseFormatTooNew' {
        Stop-TestServer ./mail
        Copy-Item ./mail ./newer -Recurse
        $settings = Get-Content ./newer/database.json -Raw | ConvertFrom-Json
        $settings.format = 99
        $settings | ConvertTo-Json -Depth 9 | Set-Content ./newer/database.json
        Get-ErrorId { Get-StoredMailbox ./newer } | Should -Be 'DatabaseFormatTooNew'
    }

    It 'damaged settings are DatabaseDamaged' {
        Stop-TestServer ./mail
        Copy-Item ./mail ./torn -Recurse
        Set-Content ./torn/database.json '{ "format": 1,'
        Get-ErrorId { Get-StoredMailbox ./torn } | Should -Be 'DatabaseDamaged'
    }
}

Describe 'Bad mail' {
    It 'a file that is no mail is NotMail, and the batch goes on' {
        [IO.File]::WriteAllBytes("$place/picture.png", [byte[]](0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A) + [byte[]]::new(2000))
        $results = Import-StoredMessage ./mail picture ./letters/1.eml, ./picture.png, ./letters/2.eml -ErrorVariable trouble -ErrorAction SilentlyContinue
        $trouble.FullyQualifiedErrorId | Should -BeLike 'NotMail,*'
        "$($trouble.Exception.Message)" | Should -Match 'picture\.png'
        ($results.Imported | Measure-Object -Sum).Sum | Should -Be 2
    }

    It 'an mbox.gz cut in the middle gives what was whole, and MailTruncated' {
        $out = [IO.Compression.GZipStream]::new([IO.File]::Create("$place/whole.mbox.gz"), [IO.Compression.CompressionLevel]::Optimal)
        New-Mbox "$place/hundred.mbox" 100 -Size 3000
        $bytes = [IO.File]::ReadAllBytes("$place/hundred.mbox"); $out.Write($bytes, 0, $bytes.Length); $out.Dispose()
        New-DamagedCopy "$place/cut.mbox.gz" "$place/whole.mbox.gz" ((Get-Item ./whole.mbox.gz).Length / 2) -Cut
        $result = Import-StoredMessage ./mail cut ./cut.mbox.gz -ErrorVariable trouble -ErrorAction SilentlyContinue
        $trouble[0].FullyQualifiedErrorId | Should -BeLike 'MailTruncated,*'
        $result.Imported | Should -BeGreaterThan 10
        (Get-StoredMessage ./mail cut).Count | Should -Be $result.Imported
    }

    It 'an mbox cut in the middle gives every message there is' {
        $bytes = [IO.File]::ReadAllBytes("$place/hundred.mbox")
        [IO.File]::WriteAllBytes("$place/cut.mbox", $bytes[0..($bytes.Length / 2)])
        $result = Import-StoredMessage ./mail cut2 ./cut.mbox -ErrorAction SilentlyContinue
        $result.Imported | Should -BeGreaterOrEqual 49
    }

    It '<Name> is stored' -ForEach @(
        @{ Name = 'an empty message'; Bytes = [byte[]]@() }
        @{ Name = 'a message with a binary header'; Bytes = [byte[]]([Text.Encoding]::ASCII.GetBytes("Subject: ") + (0..255) + [Text.Encoding]::ASCII.GetBytes("`n`nx")) }
        @{ Name = 'a message without a header'; Bytes = [Text.Encoding]::ASCII.GetBytes("just words`n") }
    ) {
        [IO.File]::WriteAllBytes("$place/odd.eml", $Bytes)
        $message = Import-StoredMessage ./mail odd ./odd.eml -PassThru
        $message.Size | Should -Be $Bytes.Length
        $message.Sha256 | Should -Be ([Convert]::ToHexString([Security.Cryptography.SHA256]::HashData($Bytes)).ToLowerInvariant())
    }
}

Describe 'Mailbox names' {
    It 'refuses <Name>' -ForEach @(
        @{ Name = '../../etc' }, @{ Name = '..' }, @{ Name = 'a' * 300 }, @{ Name = "a`tb" }, @{ Name = 'a/b' }, @{ Name = ' a' }
    ) {
        Get-ErrorId { New-StoredMailbox ./mail $Name } | Should -Be 'InvalidName'
        Get-ErrorId { Import-StoredMessage ./mail $Name ./inbox.mbox } | Should -Be 'InvalidName'
    }

    It 'keeps <Name>, also in the archive, inside its folder' -ForEach @(
        @{ Name = 'CON' }, @{ Name = 'Ünïcödé 日本 📬' }, @{ Name = 'a:b*c?"<>|' }, @{ Name = '...x' }, @{ Name = 'n' * 255 }
    ) {
        (Import-StoredMessage ./mail $Name ./inbox.mbox).Imported | Should -Be 3
        $run = Start-MessageArchive ./mail -Before 2003-01-01
        $run.Failed | Should -Be 0
        $mine = Get-StoredMessage ./mail | Where-Object Mailbox -CEQ $Name
        $mine.Count | Should -Be 3
        $mine.IsArchived | Should -Not -Contain $false
        (Get-StoredMessage ./mail -Id $mine[0].Id | Export-StoredMessage -Path ./named.mbox -Format Mbox -Force).Exported | Should -Be 1
        foreach ($file in Get-ChildItem (Get-MessageDatabase ./mail).ArchivePath -Recurse -File) { $file.FullName.StartsWith("$place/mail/archive/") | Should -BeTrue }
    }
}

Describe 'Bad backups' {
    BeforeAll { $whole = (Start-StorageGroupBackup ./mail).Path }

    It 'are never Verified: <Name> at <Part> of the file' -ForEach $(
        foreach ($part in 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999) { @{ Name = 'cut'; Cut = $true; Part = $part }; @{ Name = 'altered'; Cut = $false; Part = $part } }
    ) {
        $damaged = "$place/damaged.msbackup"
        New-DamagedCopy $damaged $whole ([long]((Get-Item $whole).Length * $Part)) -Cut:$Cut
        $drill = Test-StorageGroupBackup $damaged -ErrorVariable trouble -ErrorAction SilentlyContinue
        $trouble.Count | Should -Be 1
        ($trouble[0].FullyQualifiedErrorId -split ',')[0] | Should -BeIn 'BackupFailed', 'BackupDamaged', 'BackupIncomplete', 'BackupFormatTooNew'
        if ($drill) { $drill.Result | Should -Be 'Failed'; $drill.Reason | Should -Not -BeNullOrEmpty }
        @(Get-ErrorId { Restore-MessageDatabase $damaged ./from-damaged }).Count | Should -Be 1
        Test-Path ./from-damaged | Should -BeFalse
    }

    It 'write their result and an error, and do not throw' {
        New-DamagedCopy "$place/damaged.msbackup" $whole ([long]((Get-Item $whole).Length / 2))
        (Test-StorageGroupBackup "$place/damaged.msbackup" 2>$null).Result | Should -Be 'Failed'
        { Test-StorageGroupBackup "$place/damaged.msbackup" -ErrorAction Stop } | Should -Throw -ErrorId 'BackupFailed,*'
    }
}

Describe 'Bad disks' {
    It 'an archive folder that vanished is ArchiveUnavailable; hot mail goes on' {
        $null = New-MessageDatabase ./nas -ArchivePath ./nas-archive
        $null = Import-StoredMessage ./nas alice ./inbox.mbox, ./new.mbox
        (Start-MessageArchive ./nas -Before 2003-01-01).Moved | Should -Be 3
        Rename-Item ./nas-archive ./nas-gone
        (Get-StoredMessage ./nas alice).Count | Should -Be 5
        $result = Export-StoredMessage ./nas alice ./nas-export -ErrorVariable trouble -ErrorAction SilentlyContinue
        $result.Exported | Should -Be 2
        $result.Failed | Should -Be 3
        $trouble.Count | Should -BeGreaterThan 0
        (Import-StoredMessage ./nas alice ./new.mbox).Imported | Should -Be 2
        Rename-Item ./nas-gone ./nas-archive
        (Export-StoredMessage ./nas alice ./nas-export2).Failed | Should -Be 0
    }

    It 'a full disk is DiskFull, and what was acknowledged stays' -Skip:(-not $CanMount) {
        $disk = Join-Path $place 'small'
        $null = New-Item -ItemType Directory $disk
        mount -t tmpfs -o size=8m none $disk
        try {
            New-Mbox "$place/twelve.mbox" 3000 -Size 4000
            $null = New-MessageDatabase "$disk/mail" -StorageGroup SG1
            $stored = Import-StoredMessage "$disk/mail" alice ./twelve.mbox -PassThru -ErrorVariable trouble -ErrorAction SilentlyContinue
            $trouble[0].FullyQualifiedErrorId | Should -Match '^(DiskFull|GroupClosedForWriting),'
            @($trouble | Where-Object FullyQualifiedErrorId -Like 'DiskFull,*').Count | Should -BeGreaterThan 0
            $listed = (Get-StoredMessage "$disk/mail" alice).Id
            @($stored.Id | Where-Object { $_ -notin $listed }).Count | Should -Be 0
        } finally { umount -l $disk }
    }

    It 'a read-only folder is AccessDenied or DeviceFailed, and names it' -Skip:(-not $CanMount) {
        $disk = Join-Path $place 'readonly'
        $null = New-Item -ItemType Directory $disk
        mount -t tmpfs -o size=8m none $disk
        try {
            mount -o remount,ro $disk
            $ids = @(Get-ErrorId { New-MessageDatabase "$disk/mail" })
            $ids | Should -Match '^(AccessDenied|DeviceFailed)$'
            @(Get-ErrorId { Start-StorageGroupBackup ./mail -Destination "$disk/b" }) | Should -Match '^(AccessDenied|DeviceFailed|BackupFailed)$'
        } finally { umount -l $disk }
    }
}
