BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder cmdlets
    New-Sandbox $place
    Push-Location $place
    $null = New-PSDrive Sandbox FileSystem $place
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe 'Naming a database' {
    It 'takes a <Kind>' -ForEach @(
        @{ Kind = 'relative path'; Value = { './mail' } }
        @{ Kind = 'full path'; Value = { "$place/mail" } }
        @{ Kind = 'path on a drive'; Value = { 'Sandbox:/mail' } }
        @{ Kind = 'provider path'; Value = { "Microsoft.PowerShell.Core\FileSystem::$place/mail" } }
        @{ Kind = 'folder object'; Value = { Get-Item ./mail } }
        @{ Kind = 'database'; Value = { Get-MessageDatabase ./mail } }
        @{ Kind = 'mailbox'; Value = { Get-StoredMailbox ./mail alice } }
        @{ Kind = 'storage group'; Value = { Get-StorageGroup ./mail SG1 } }
        @{ Kind = 'backup result'; Value = { Get-StorageGroupBackup ./mail | Select-Object -First 1 | Select-Object @{ n = 'Database'; e = { "$place/mail" } } } }
    ) {
        $value = & $Value
        (Get-StoredMailbox -Database $value).Name | Should -Be 'alice', 'bob'
        ($value | Get-StorageGroup).Name | Should -Be 'SG1', 'SG2'
    }

    It 'does not take a <Kind>' -ForEach @(
        @{ Kind = 'path that is no file system'; Value = 'Env:/PATH' }
        @{ Kind = 'number in an object'; Value = [pscustomobject]@{ Number = 1 } }
        @{ Kind = 'empty text'; Value = '' }
    ) {
        { Get-StoredMailbox -Database $Value } | Should -Throw
    }
}

Describe 'Pipelines' {
    It 'binds the results of one cmdlet to the next' {
        (Get-StoredMailbox ./mail alice | Get-StoredMessage).Count | Should -Be 5
        (Get-StoredMessage ./mail alice | Set-StoredMessage -IsFlagged $true -PassThru).IsFlagged | Should -Be (@($true) * 5)
        (Get-StoredMessage ./mail alice | Set-StoredMessage -IsFlagged $false -IsRead $true -PassThru).Flags | Should -Be (@('Read') * 5)
        (Get-StoredMessage ./mail alice | Set-StoredMessage -IsRead $false -PassThru).IsRead | Should -Be (@($false) * 5)
        (Get-StoredMessage ./mail alice -First 2 | Move-StoredMessage -Folder Reports -PassThru).Folder | Should -Be 'Reports', 'Reports'
        (Get-StoredMessage ./mail alice -Folder Reports).Count | Should -Be 2
        (Get-StoredMessage ./mail alice -First 2 | Get-StoredMessage).Count | Should -Be 2
        (Get-StoredMessage ./mail alice | Export-StoredMessage -Path ./piped.mbox -Format Mbox).Exported | Should -Be 5
        (Get-ChildItem ./letters | Import-StoredMessage -Database ./mail -Mailbox carol).Imported | Should -Be 1, 1
        ('./letters/1.eml', './letters/2.eml' | Import-StoredMessage -Database ./mail -Mailbox carol -PassThru).Subject | Should -Be 'report 1', 'report 2'
        Get-StoredMailbox ./mail carol | Remove-StoredMailbox -Confirm:$false
        (Get-StoredMailbox ./mail).Name | Should -Be 'alice', 'bob'
    }

    It 'imports names with brackets literally and patterns by -Path' {
        Copy-Item ./letters/1.eml -Destination "$place/letters/b1.txt"
        [IO.File]::Copy("$place/letters/1.eml", "$place/letters/[b]1.eml", $true)
        (Import-StoredMessage ./mail dave -LiteralPath './letters/[b]1.eml').Path | Should -BeLike '*[[]b[]]1.eml'
        (Get-ChildItem -LiteralPath './letters/[b]1.eml' | Import-StoredMessage -Database ./mail -Mailbox dave).Imported | Should -Be 1
        (Import-StoredMessage ./mail dave './letters/[0-9].eml').Count | Should -Be 2
        Remove-StoredMailbox ./mail dave -Confirm:$false -ErrorAction Stop
    }

    It 'leaves the batch going after a bad item' {
        $results = './letters/1.eml', './letters/nowhere.eml', './letters/2.eml' |
            Import-StoredMessage -Database ./mail -Mailbox erin -ErrorVariable trouble -ErrorAction SilentlyContinue
        $results.Count | Should -Be 2
        $trouble.Count | Should -Be 1
        $trouble[0].FullyQualifiedErrorId | Should -BeLike 'PathNotFound,*'
        $trouble[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
        "$($trouble[0].TargetObject)" | Should -BeLike '*nowhere.eml'
        $trouble[0].ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        Remove-StoredMailbox ./mail erin -Confirm:$false -ErrorAction Stop
    }

    It 'stops early for Select-Object -First' {
        (Import-StoredMessage ./mail frank ./inbox.mbox -PassThru | Select-Object -First 1).Count | Should -Be 1
        (Get-StoredMessage ./mail alice | Select-Object -First 1).Count | Should -Be 1
        Get-MessageDatabase ./mail | ForEach-Object State | Should -Be 'Open'
        Remove-StoredMailbox ./mail frank -Confirm:$false -ErrorAction Stop
    }

    It 'pages' {
        $all = (Get-StoredMessage ./mail alice).Id
        (Get-StoredMessage ./mail alice -First 2).Id | Should -Be $all[0..1]
        (Get-StoredMessage ./mail alice -Skip 3).Id | Should -Be $all[3..4]
        (Get-StoredMessage ./mail alice -Skip 1 -First 2).Id | Should -Be $all[1..2]
        Get-StoredMessage ./mail alice -First 1 -IncludeTotalCount | Select-Object -Last 1 | Should -Be 5
    }

    It 'declares the output it gives' {
        foreach ($result in (Get-MessageDatabase ./mail), (Get-StorageGroup ./mail SG1), (Get-StoredMailbox ./mail alice), (Get-StoredMessage ./mail -First 1)) {
            $type = $result.PSObject.BaseObject.GetType()
            $command = @{ DatabaseStatus = 'Get-MessageDatabase'; StorageGroupStatus = 'Get-StorageGroup'; MailboxInfo = 'Get-StoredMailbox'; StoredMessage = 'Get-StoredMessage' }[$type.Name]
            (Get-Command $command).OutputType.Type | Should -Contain $type
        }
    }
}

Describe 'Filters of Get-StoredMessage' {
    It '<Name>' -ForEach @(
        @{ Name = 'from a time on'; Arguments = @{ ReceivedAfter = '2003-01-01' }; Count = 2 }
        @{ Name = 'before a time'; Arguments = @{ ReceivedBefore = '2003-01-01' }; Count = 3 }
        @{ Name = 'part of a subject'; Arguments = @{ Subject = 'REPORT 1' }; Count = 2 }
        @{ Name = 'pattern of a sender'; Arguments = @{ From = '*writer?@*' }; Count = 5 }
        @{ Name = 'nothing archived'; Arguments = @{ Archived = $true }; Count = 0 }
        @{ Name = 'hot only'; Arguments = @{ Archived = $false }; Count = 5 }
    ) {
        @(Get-StoredMessage ./mail alice @Arguments).Count | Should -Be $Count
    }

    It 'read state' {
        $null = Get-StoredMessage ./mail alice -First 1 | Set-StoredMessage -IsRead $true
        @(Get-StoredMessage ./mail alice -ReadState Read).Count | Should -Be 1
        @(Get-StoredMessage ./mail alice -ReadState Unread).Count | Should -Be 4
    }

    It 'names what is not there and goes on' {
        $id = [guid]::NewGuid()
        $found = Get-StoredMessage ./mail alice, nobody -ErrorVariable trouble -ErrorAction SilentlyContinue
        $found.Count | Should -Be 5
        $trouble.FullyQualifiedErrorId | Should -BeLike 'MailboxNotFound,*'
        { Get-StoredMessage ./mail -Id $id -ErrorAction Stop } | Should -Throw -ErrorId 'MessageNotFound,*'
    }
}

Describe 'Confirmation' {
    It 'is asked for before anything is lost, so -NonInteractive refuses: <Name>' -ForEach @(
        @{ Name = 'Remove-StoredMessage'; Command = 'Get-StoredMessage ./mail alice -First 1 | Remove-StoredMessage' }
        @{ Name = 'Remove-StoredMailbox'; Command = 'Remove-StoredMailbox ./mail alice' }
        @{ Name = 'Restore-MessageDatabase -Force'; Command = 'Restore-MessageDatabase ./mail/backups ./occupied -Force' }
    ) {
        $null = New-Item -ItemType Directory ./occupied -Force; Set-Content ./occupied/precious.txt 'precious'
        $output = pwsh -NoProfile -NonInteractive -Command "Set-Location '$place'; Import-Module '$RepositoryRoot/MessageStore.psd1'; $Command" 2>&1
        $LASTEXITCODE | Should -Be 1
        "$output" | Should -Match 'NonInteractive'
        (Get-StoredMessage ./mail alice).Count | Should -Be 5
        Get-Content ./occupied/precious.txt | Should -Be 'precious'
    }
}

Describe 'Exit codes under pwsh -Command' {
    It '<Expected> for <Command>' -ForEach @(
        @{ Expected = 0; Command = 'Get-MessageDatabase ./mail' }
        @{ Expected = 1; Command = 'Get-MessageDatabase ./nowhere' }
        @{ Expected = 1; Command = 'Start-StorageGroupBackup ./nowhere' }
        @{ Expected = 1; Command = 'Start-StorageGroupBackup ./mail -StorageGroup Nothing' }
        @{ Expected = 1; Command = 'Start-MessageArchive ./nowhere' }
        @{ Expected = 1; Command = 'Test-StorageGroupBackup ./inbox.mbox' }
        @{ Expected = 1; Command = 'Restore-MessageDatabase ./nowhere ./new' }
        @{ Expected = 1; Command = 'Import-StoredMessage ./mail alice ./nowhere.mbox' }
    ) {
        $null = pwsh -NoProfile -NonInteractive -Command "Set-Location '$place'; Import-Module '$RepositoryRoot/MessageStore.psd1'; $Command" 2>&1
        $LASTEXITCODE | Should -Be $Expected
    }
}

Describe 'Completion' {
    It 'completes <Line>' -ForEach @(
        @{ Line = 'Get-StoredMessage -Database ./mail -Mailbox '; Expected = 'alice', 'bob' }
        @{ Line = 'Get-StoredMessage ./mail al'; Expected = 'alice' }
        @{ Line = 'Get-StoredMessage ./mail alice -Folder I'; Expected = 'Inbox' }
        @{ Line = 'Start-StorageGroupBackup ./mail -StorageGroup '; Expected = 'SG1', 'SG2' }
        @{ Line = 'Get-StorageGroup ./mail SG2'; Expected = 'SG2' }
    ) {
        (TabExpansion2 $Line $Line.Length).CompletionMatches.CompletionText | Should -Be $Expected
    }

    It 'completes backup files' {
        $line = 'Test-StorageGroupBackup ./mail/backups/'
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -BeLike '*.msbackup'
    }

    It 'is silent where there is no database' {
        $line = 'Get-StoredMessage -Database ./nowhere -Mailbox '
        $before = $Error.Count
        $null = TabExpansion2 $line $line.Length
        $Error.Count | Should -Be $before
    }
}

Describe 'Views' {
    It 'show sizes and ages for people, within 80 columns: <Name>' -ForEach @(
        @{ Name = 'database'; Get = { Get-MessageDatabase ./mail }; Match = 'Backup' }
        @{ Name = 'group'; Get = { Get-StorageGroup ./mail }; Match = '\d [KM]?B' }
        @{ Name = 'mailbox'; Get = { Get-StoredMailbox ./mail }; Match = 'alice' }
        @{ Name = 'message'; Get = { Get-StoredMessage ./mail }; Match = '\d B' }
        @{ Name = 'backup'; Get = { Get-StorageGroupBackup ./mail }; Match = 'Full' }
    ) {
        $text = & $Get | Out-String -Width 80
        $text | Should -Match $Match
        foreach ($line in $text -split '\r?\n') { ($line -replace '\x1b\[[\d;]*m').Length | Should -BeLessOrEqual 80 }
    }

    It 'show sizes as <Expected>' -ForEach @(
        @{ Bytes = 0; Expected = '0 B' }, @{ Bytes = 812; Expected = '812 B' }, @{ Bytes = 4300; Expected = '4.2 KB' }
        @{ Bytes = 17MB; Expected = '17 MB' }, @{ Bytes = 1023KB; Expected = '1.0 MB' }, @{ Bytes = 5TB; Expected = '5.0 TB' }
    ) {
        [MessageStore.PowerShell.Formatting.HumanText]::Size($Bytes) | Should -Be $Expected
    }

    It 'show ages as <Expected>' -ForEach @(
        @{ Age = '00:00:42'; Expected = '42s' }, @{ Age = '00:07:10'; Expected = '7m' }
        @{ Age = '03:10:00'; Expected = '3h 10m' }, @{ Age = '12.04:00:00'; Expected = '12d 4h' }
    ) {
        [MessageStore.PowerShell.Formatting.HumanText]::Age([timespan]$Age) | Should -Be $Expected
    }
}

Describe 'Spans of time' {
    It 'refuse a bare number, which would be ticks' {
        { Start-MessageArchive ./mail -OlderThan 30 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        { Start-MessageArchive ./mail -Before 1990-01-01 -RetainFor 30 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        (Start-MessageArchive ./mail -OlderThan 36500.00:00:00).Matched | Should -Be 0
    }
}
