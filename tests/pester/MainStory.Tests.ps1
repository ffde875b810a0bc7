BeforeDiscovery { . $PSScriptRoot/Support.ps1 }
BeforeAll {
    . $PSScriptRoot/Support.ps1
    if ($CorpusFolder) {
        $Digests = [IO.File]::ReadAllLines("$CorpusFolder/ham.tsv").Where({ $_ -notmatch '^#' }).ForEach({ ($_ -split "`t")[1] }) | Sort-Object
    }
    $place = New-TestFolder story
    Push-Location $place
    # Counts both ways: every digest as often as in the corpus, and nothing else.
    function Compare-Digest($Actual) { @(Compare-Object $Digests @($Actual)).Count }
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe 'The main story on real mail' -Skip:([bool]$CorpusIsMissing) {
    It 'imports 3,900 of 3,900' {
        $script:db = New-MessageDatabase ./mail -StorageGroup SG1, SG2 -PassThru
        $result = Import-StoredMessage $db alice "$CorpusFolder/ham.mbox.gz"
        $result.Imported | Should -Be 3900
        $result.Failed | Should -Be 0
        $Digests.Count | Should -Be 3900
        (Get-MessageDatabase ./mail).MessageCount | Should -Be 3900
    }

    It 'lists every message with the digest of ham.tsv' {
        $script:before = Get-StoredMessage $db alice
        $before.Count | Should -Be 3900
        Compare-Digest $before.Sha256 | Should -Be 0
        @($before.Id | Sort-Object -Unique).Count | Should -Be 3900
    }

    It 'exports every message byte for byte, as .eml' {
        $result = Export-StoredMessage $db alice ./hot
        $result.Exported | Should -Be 3900
        $result.Failed | Should -Be 0
        Compare-Digest (Get-Digest (Get-ChildItem ./hot -File -Recurse).FullName) | Should -Be 0
    }

    It 'exports an mbox that imports to the same messages' {
        (Export-StoredMessage $db alice ./all.mbox -Format Mbox).Exported | Should -Be 3900
        (Import-StoredMessage $db copy ./all.mbox).Imported | Should -Be 3900
        Compare-Digest (Get-StoredMessage $db copy).Sha256 | Should -Be 0
        Remove-StoredMailbox $db copy -Confirm:$false
    }

    It 'archives what is older than a date' {
        $expected = @($before | Where-Object ReceivedDate -LT ([datetimeoffset]'2002-09-01')).Count
        $expected | Should -BeGreaterThan 100
        $run = Start-MessageArchive $db -Before '2002-09-01'
        $run.Moved | Should -Be $expected
        $run.Failed | Should -Be 0
        $run.Receipts.Mailbox | Should -Be 'alice'
        $status = Get-MessageDatabase ./mail
        $status.ArchivedMessageCount | Should -Be $expected
        $status.HotMessageCount | Should -Be (3900 - $expected)
        $status.MessageCount | Should -Be 3900
        (Start-MessageArchive $db -Before '2002-09-01').Moved | Should -Be 0 -Because 'nothing is archived twice'
    }

    It 'leaves archive files that zcat and Python read, with the same digests' {
        $archived = Get-StoredMessage $db alice -Archived
        $files = (Get-MessageArchive $db alice).Files
        $files.Count | Should -BeGreaterThan 0
        $paths = @(Get-ChildItem (Get-MessageDatabase ./mail).ArchivePath -Recurse -Filter *.mbox.gz | ForEach-Object FullName)
        $paths.Count | Should -BeGreaterThan 0
        # mboxrd quoting is undone here: Python's mailbox knows mboxo only. It also drops the newline before the next From line.
        Set-Content ./read.py @'
import gzip, hashlib, mailbox, re, subprocess, sys, tempfile
for path in sys.argv[1:]:
    with tempfile.NamedTemporaryFile(suffix=".mbox") as out:
        out.write(subprocess.run(["zcat", path], check=True, capture_output=True).stdout)
        out.flush()
        box = mailbox.mbox(out.name, create=False)
        for key in box.iterkeys():
            raw = re.sub(rb"(?m)^>(>*From )", rb"\1", box.get_bytes(key))
            print(hashlib.sha256(raw).hexdigest(), hashlib.sha256(raw + b"\n").hexdigest())
'@
        $lines = python3 ./read.py @paths
        $LASTEXITCODE | Should -Be 0
        $lines.Count | Should -Be $archived.Count
        $wanted = [Collections.Generic.List[string]]@($archived.Sha256)
        foreach ($line in $lines) {
            $with, $without = $line -split ' '
            if (-not $wanted.Remove($with)) { $null = $wanted.Remove($without) }
        }
        $wanted.Count | Should -Be 0
    }

    It 'gives each archived message a key that names its record' {
        $keys = Get-ArchiveKey $db alice
        $keys.Count | Should -Be (Get-MessageDatabase ./mail).ArchivedMessageCount
        $keys.Sha256 | Where-Object { $_ -notin $Digests } | Should -BeNullOrEmpty
        # One record, cut out by its key, unpacks by itself.
        $key = $keys | Select-Object -First 1
        $file = Join-Path $key.Unit $key.Volume
        $stream = [IO.File]::OpenRead($file)
        try {
            $bytes = [byte[]]::new($key.Length)
            $stream.Position = $key.Offset
            $stream.ReadExactly($bytes, 0, $bytes.Length)
        } finally { $stream.Dispose() }
        $gzip = [IO.Compression.GZipStream]::new([IO.MemoryStream]::new($bytes), [IO.Compression.CompressionMode]::Decompress)
        [IO.StreamReader]::new($gzip).ReadLine() | Should -Match '^From '
    }

    It 'reads, lists and exports archived mail as before' {
        $after = Get-StoredMessage $db alice
        $after.Count | Should -Be 3900
        foreach ($property in 'Id', 'Folder', 'ReceivedDate', 'From', 'To', 'Subject', 'MessageIdHeader', 'Size', 'Sha256') {
            Compare-Object $before.$property $after.$property -SyncWindow 0 | Should -BeNullOrEmpty -Because $property
        }
        (Export-StoredMessage $db alice ./archived).Failed | Should -Be 0
        Compare-Digest (Get-Digest (Get-ChildItem ./archived -File -Recurse).FullName) | Should -Be 0
    }

    It 'backs up, and the drill says Verified' {
        $script:backup = Start-StorageGroupBackup $db
        $backup.Messages | Should -Be 3900
        $drill = $backup | Test-StorageGroupBackup
        $drill.Result | Should -Be 'Verified'
        $drill.Differences | Should -Be 0
        $drill.RestoreDuration | Should -BeGreaterThan ([timespan]::Zero)
        (Get-MessageDatabase ./mail).BackupAge | Should -BeLessThan ([timespan]'00:10:00')
        (Get-StorageGroupBackup $db)[0].IsComplete | Should -BeTrue
    }

    It 'loses the store, restores with the surviving logs, and has everything' {
        New-StoredMailbox $db late
        $null = Import-StoredMessage $db late (Get-ChildItem ./hot -File -Recurse | Select-Object -First 7).FullName
        $lost = Get-MessageDatabase ./mail
        Stop-TestServer ./mail
        Remove-Item -LiteralPath $lost.StorePath -Recurse -Force
        (Get-MessageDatabase ./mail -WarningVariable warnings -WarningAction SilentlyContinue).State | Should -Be 'Failed'
        "$warnings" | Should -Match ([regex]::Escape($lost.StorePath))
        $restored = Restore-MessageDatabase $backup.Path ./restored -LogPath $lost.LogPath
        $restored.ReplayedTransactions | Should -BeGreaterOrEqual 7
        $mail = Get-StoredMessage ./restored alice
        $mail.Count | Should -Be 3900
        Compare-Digest $mail.Sha256 | Should -Be 0
        (Get-StoredMessage ./restored late).Count | Should -Be 7
        Compare-Object $before.Id $mail.Id | Should -BeNullOrEmpty
        $mail.Where({ $_.IsArchived }).Count | Should -Be $lost.ArchivedMessageCount
        (Export-StoredMessage ./restored alice ./back).Failed | Should -Be 0
        Compare-Digest (Get-Digest (Get-ChildItem ./back -File -Recurse).FullName) | Should -Be 0
    }

    It 'maintains: archive, then backup, each with its reason' {
        $records = Invoke-MessageMaintenance ./restored -Before '2002-10-01'
        $records.Task | Should -Be 'Archive', 'Backup'
        $records.Decision | Should -Be 'Ran', 'Ran'
        $records.Reason | Should -Not -BeNullOrEmpty
        (Get-MaintenanceHistory ./restored -First 2).Task | Should -Be 'Backup', 'Archive'
        (Invoke-MessageMaintenance ./restored -BackupInterval 01:00:00).Decision | Should -Be 'Skipped', 'Skipped'
    }
}
