BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder nodes
    New-Sandbox $place
    Push-Location $place
    $server = Get-ChildItem "$RepositoryRoot/src/MessageStore.Server/bin" -Recurse -Filter messagestored.dll -ErrorAction Ignore |
        Where-Object FullName -Match 'Release' | Select-Object -First 1
    Set-Content ./nodes.key '0123456789abcdef0123456789abcdef'
    if (-not $IsWindows) { chmod 600 ./nodes.key }
    $nodes = foreach ($name in 'n1', 'n2', 'n3') {
        Start-Process dotnet -ArgumentList $server.FullName, 'node', '--name', $name, '--unit', "$place/$name", '--create', '--key-file', "$place/nodes.key", '--directory', "$place/nodes.json" `
            -PassThru -RedirectStandardOutput "$place/$name.out" -RedirectStandardError "$place/$name.err"
    }
    $null = Wait-Until { @(Get-StorageNodeRecord ./nodes.json -ErrorAction Ignore).Count -eq 3 } -Seconds 180
}
AfterAll {
    $nodes | Where-Object { -not $_.HasExited } | Stop-Process -Force
    $nodes | ForEach-Object { $_.WaitForExit() }
    Pop-Location
    Remove-TestFolder $place
}

Describe 'Storage nodes' {
    It 'register themselves' {
        (Get-StorageNodeRecord ./nodes.json).Name | Should -Be 'n1', 'n2', 'n3'
        (Get-StorageNodeRecord ./nodes.json n2).Url | Should -Match '^http://127\.0\.0\.1:\d+$'
    }

    It 'are registered and unregistered by hand' {
        (Register-StorageNode ./other.json a http://127.0.0.1:1 -Group 2 -PassThru).Group | Should -Be 2
        Unregister-StorageNode ./other.json a -Confirm:$false
        Get-StorageNodeRecord ./other.json | Should -BeNullOrEmpty
        { Unregister-StorageNode ./other.json a -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'NodeNotFound,*'
        { Register-StorageNode ./other.json 'A B' http://127.0.0.1:1 -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter,*'
        { Get-StorageNodeRecord ./other.json nobody -ErrorAction Stop } | Should -Throw -ErrorId 'NodeNotFound,*'
    }

    It 'are started and stopped by cmdlets' {
        $node = Start-StorageNode n9 ./n9a, ./n9b -Create -KeyFile ./nodes.key -Directory ./nodes9.json -Group 3
        try {
            $node.Url | Should -Match '^http://127\.0\.0\.1:\d+$'
            (Get-Process -Id $node.ProcessId).HasExited | Should -BeFalse
            (Get-StorageNodeRecord ./nodes9.json n9).Group | Should -Be 3
            ($node | Out-String -Width 80) | Should -Match 'n9'
            { Start-StorageNode n9 ./n9a -KeyFile ./nodes.key -ErrorAction Stop } | Should -Throw -ErrorId 'ServerNotStarted,*'
        } finally { $stopped = $node | Stop-StorageNode -PassThru }
        $stopped.ProcessId | Should -Be $node.ProcessId
        Get-StorageNodeRecord ./nodes9.json | Should -BeNullOrEmpty
        { Stop-StorageNode ./n9a -ErrorAction Stop } | Should -Throw -ErrorId 'ServerNotRunning,*'
        { Start-StorageNode 'N 9' ./n9a -KeyFile ./nodes.key -ErrorAction Stop } | Should -Throw -ErrorId 'ServerNotStarted,*'
    }

    It 'are needed before copies can be tested' {
        { Test-StorageNode ./mail -ErrorAction Stop } | Should -Throw -ErrorId 'NodesNotSet,*'
        { Set-MessageArchive ./mail -Target Nodes -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter,*'
        { Set-MessageArchive ./mail -Target Objects -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter,*'
        { Set-MessageArchive ./mail -Target Objects -Bucket mail -ObjectEndpoint http://s3.example.org -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter,*'
        { Set-MessageArchive ./mail -Target Objects -Bucket mail -ObjectEndpoint http://127.0.0.1:1 -ObjectCredentialFile ./none -ErrorAction Stop } | Should -Throw -ErrorId 'PathNotFound,*'
        (Get-MessageDatabase ./mail).Objects | Should -BeNullOrEmpty
    }

    It 'take what is archived, two copies each, and give it back' {
        $before = Get-StoredMessage ./mail alice | Sort-Object Id
        (Set-MessageArchive ./mail -Target Nodes -NodeDirectory ./nodes.json -NodeKeyFile ./nodes.key -PassThru).Nodes.Copies | Should -Be 2
        (Start-MessageArchive ./mail -Before 2003-01-01).Moved | Should -Be 3
        $keys = Get-ArchiveKey ./mail -Mailbox alice
        $keys.Count | Should -Be 6
        $keys.Target | Select-Object -Unique | Should -Be 'nodes'
        Export-StoredMessage ./mail alice ./out
        Get-Digest (Get-ChildItem ./out -Recurse -File).FullName | Should -Be ($before.Sha256 | Sort-Object)
        $test = Test-StorageNode ./mail -ReadAll
        $test.Messages | Should -Be 3
        $test.UnderReplicated | Should -Be 0
        ($test | Out-String -Width 80).Trim().Split("`n").Length | Should -BeGreaterThan 2
    }

    It 'have copies of what is imported with -Journal, which stays in the store' {
        $keys = @(Get-ArchiveKey ./mail).Count
        $message = Import-StoredMessage ./mail journaled ./letters/1.eml -Journal -PassThru
        $message.IsArchived | Should -BeFalse
        $copies = Get-ArchiveKey ./mail -Id $message.Id
        $copies.Count | Should -Be 2
        ($copies.Unit -replace '/.*' | Sort-Object -Unique).Count | Should -Be 2
        $message | Remove-StoredMessage -Confirm:$false
        @(Get-ArchiveKey ./mail).Count | Should -Be $keys
    }

    It 'are missed when they go, and repair makes their copies anew' {
        $lost = @(Get-ArchiveKey ./mail -Mailbox alice | Where-Object Unit -Like 'n1/*').Count
        $nodes[0] | Stop-Process -Force
        $nodes[0].WaitForExit()
        $result = Test-StorageNode ./mail -ErrorVariable trouble -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        $result.UnderReplicated | Should -Be $lost
        if ($lost) { $trouble[0].FullyQualifiedErrorId | Should -BeLike 'NotEnoughCopies,*' }
        (Get-MessageDatabase ./mail -WarningAction SilentlyContinue).UnderReplicatedCount | Should -Be $lost
        $repair = Repair-StorageNode ./mail -WarningAction SilentlyContinue
        $repair.Restored | Should -Be $lost
        $repair.UnderReplicated | Should -Be 0
        Get-ArchiveKey ./mail -Mailbox alice | Where-Object Unit -Like 'n1/*' | Should -BeNullOrEmpty
        (Get-MessageDatabase ./mail).UnderReplicatedCount | Should -Be 0
    }

    It 'are left for files again' {
        Set-MessageArchive ./mail -Target Files
        (Start-MessageArchive ./mail -Before 2100-01-01).Moved | Should -Be 2
        (Get-ArchiveKey ./mail -Mailbox alice | Group-Object Target | Sort-Object Name).Name | Should -Be 'files', 'nodes'
        Export-StoredMessage ./mail alice ./again
        @(Get-ChildItem ./again -Recurse -File).Count | Should -Be 5
    }
}
