BeforeDiscovery {
    $programs = @(Get-ChildItem /usr/lib/postgresql/*/bin -Directory -ErrorAction Ignore | Sort-Object FullName -Descending)[0]
    $CanRun = $programs -and (Get-Command runuser -ErrorAction Ignore) -and (id -u) -eq '0'
}
BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder keys
    New-Sandbox $place
    Push-Location $place
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe 'Archive keys' {
    It 'stay where they are when they cannot be moved' {
        { Move-ArchiveKey ./mail -To PostgreSql -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter,*'
        { Move-ArchiveKey ./mail -To PostgreSql -ConnectionFile ./missing -ErrorAction Stop } | Should -Throw -ErrorId 'PathNotFound,*'
        { Move-ArchiveKey ./mail -To Embedded -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter,*'
        { Move-ArchiveKey ./mail -To Nowhere } | Should -Throw -ErrorId 'CannotConvertArgumentNoMessage,*'
        Set-Content ./nobody.connection "Host=$place/nowhere;Username=keys;Database=postgres"
        if (-not $IsWindows) { chmod 600 ./nobody.connection }
        { Move-ArchiveKey ./mail -To PostgreSql -ConnectionFile ./nobody.connection -ErrorAction Stop } | Should -Throw -ErrorId 'KeysUnavailable,*'
        Test-Path ./mail/keys/keys.json | Should -BeTrue
    }

    It 'are picked by unit and deletion date' {
        $null = Start-MessageArchive ./mail -Before 2003-01-01 -RetainFor 3650.00:00:00
        @(Get-ArchiveKey ./mail).Count | Should -Be 3
        @(Get-ArchiveKey ./mail -Unit (Get-MessageDatabase ./mail).ArchivePath).Count | Should -Be 3
        Get-ArchiveKey ./mail -Unit n1/u1 | Should -BeNullOrEmpty
        @(Get-ArchiveKey ./mail alice -DueBefore (Get-Date).AddYears(11)).Count | Should -Be 3
        Get-ArchiveKey ./mail -DueBefore (Get-Date).AddYears(9) | Should -BeNullOrEmpty
    }

    It 'move to PostgreSQL and back (skipped where PostgreSQL is not installed, or this is not root)' -Skip:(-not $CanRun) {
        $programs = @(Get-ChildItem /usr/lib/postgresql/*/bin -Directory | Sort-Object FullName -Descending)[0].FullName
        $server = New-Item -ItemType Directory "$place/pg"
        chown nobody $server.FullName
        chmod a+x $place
        $null = runuser -u nobody -- env -C $server.FullName "$programs/initdb" -D "$server/data" -A trust -U keys -E UTF8 --locale=C
        runuser -u nobody -- env -C $server.FullName "$programs/pg_ctl" -D "$server/data" -w -s -l "$server/log" -o "-c listen_addresses= -k $server" start *> "$place/pg.out"
        try {
            Set-Content ./keys.connection "Host=$server;Username=keys;Database=postgres"
            chmod 600 ./keys.connection
            $before = Get-ArchiveKey ./mail | Sort-Object Id | ConvertTo-Json
            $moved = Move-ArchiveKey ./mail -To PostgreSql -ConnectionFile ./keys.connection
            $moved.Keys | Should -Be 3
            ($moved | Out-String -Width 80) | Should -Match 'PostgreSql'
            Test-Path ./mail/keys | Should -BeFalse
            Get-ArchiveKey ./mail | Sort-Object Id | ConvertTo-Json | Should -Be $before
            @(Get-ArchiveKey ./mail -DueBefore (Get-Date).AddYears(11)).Count | Should -Be 3
            Export-StoredMessage ./mail alice ./out
            @(Get-ChildItem ./out -Recurse -File).Count | Should -Be 5
            (Move-ArchiveKey ./mail -To Embedded).Keys | Should -Be 3
            Get-ArchiveKey ./mail | Sort-Object Id | ConvertTo-Json | Should -Be $before
        } finally { runuser -u nobody -- env -C $server.FullName "$programs/pg_ctl" -D "$server/data" -w -s -m immediate stop }
    }
}
