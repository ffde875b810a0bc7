BeforeDiscovery { . $PSScriptRoot/Support.ps1 }
BeforeAll { . $PSScriptRoot/Support.ps1 }

Describe 'Searching' {
    BeforeAll {
        $place = New-TestFolder search
        New-Sandbox $place
        Push-Location $place
        $text = @(
            'From: =?utf-8?Q?J=C3=BCrgen?= <juergen@example.org>'
            'To: bob@example.org'
            'Subject: =?utf-8?Q?Caf=C3=A9?= at noon'
            'Date: Fri, 01 Mar 2024 12:00:00 +0000'
            'MIME-Version: 1.0'
            'Content-Type: multipart/mixed; boundary=b'
            ''
            '--b'
            'Content-Type: text/html; charset=utf-8'
            'Content-Transfer-Encoding: base64'
            ''
            [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('<p>The <b>an</b>nual report, Straße 5</p><script>hidden</script>'))
            '--b'
            'Content-Type: application/pdf; name="budget plan.pdf"'
            'Content-Disposition: attachment'
            ''
            ('x' * 5000)
            '--b--'
        ) -join "`n"
        [IO.File]::WriteAllText("$place/cafe.eml", $text)
        $null = Import-StoredMessage ./mail bob ./cafe.eml
    }
    AfterAll { Pop-Location; Remove-TestFolder $place }

    It 'finds <Query>' -ForEach @(
        @{ Query = 'cafe'; Count = 1 }
        @{ Query = 'JURGEN'; Count = 1 }
        @{ Query = 'annual report'; Count = 1 }
        @{ Query = '"annual report"'; Count = 1 }
        @{ Query = '"report annual"'; Count = 0 }
        @{ Query = 'strasse'; Count = 1 }
        @{ Query = 'hidden'; Count = 0 }
        @{ Query = 'attachment:budget'; Count = 1 }
        @{ Query = 'budget -from:juergen@example.org'; Count = 0 }
        @{ Query = 'message'; Count = 5 }
        @{ Query = 'mess* subject:report from:writer2'; Count = 2 }
        @{ Query = 'report after:2024-01-01'; Count = 3 }
        @{ Query = 'report mailbox:a* before:2003-01-01'; Count = 3 }
        @{ Query = 'report larger:4kb'; Count = 1 }
    ) {
        @(Find-StoredMessage ./mail $Query).Count | Should -Be $Count
    }

    It 'takes each condition as a parameter' {
        (Find-StoredMessage ./mail -From juergen -To bob -Subject noon -Text annual -Attachment plan -Mailbox b* -Folder Inbox -ReceivedAfter 2024-01-01 -ReceivedBefore 2025-01-01 -LargerThan 1KB -SmallerThan 1MB -ReadState Unread -Archived:$false).Subject | Should -Be 'Café at noon'
        @(Find-StoredMessage ./mail -Text annual -Archived).Count | Should -Be 0
        @(Find-StoredMessage ./mail).Count | Should -Be 6
    }

    It 'gives the newest first, by pages, and stops when enough was taken' {
        $all = Find-StoredMessage ./mail report
        $all.ReceivedDate | Should -Be ($all.ReceivedDate | Sort-Object -Descending)
        (Find-StoredMessage ./mail report -Skip 1 -First 2).Id | Should -Be $all[1..2].Id
        (Find-StoredMessage ./mail report | Select-Object -First 1).Id | Should -Be $all[0].Id
        $all[0] | Out-String -Width 80 | Should -Match 'bob'
    }

    It 'pipes to the cmdlets that take messages, and takes databases' {
        Find-StoredMessage ./mail cafe | Set-StoredMessage -IsRead $true
        (Get-MessageDatabase ./mail | Find-StoredMessage -Query cafe -ReadState Read).IsRead | Should -BeTrue
        Find-StoredMessage ./mail cafe | Set-StoredMessage -IsRead $false
    }

    It 'finds archived mail as before, and what is deleted no more' {
        $null = Start-MessageArchive ./mail -Before 2003-01-01
        $found = Find-StoredMessage ./mail 'report number' -Archived
        $found.Count | Should -Be 3
        (Find-StoredMessage ./mail '"message number 2"' -Mailbox alice).Count | Should -Be 2
        $found[0] | Remove-StoredMessage -Confirm:$false
        (Find-StoredMessage ./mail 'report number' -Archived).Count | Should -Be 2
    }

    It 'gives what the next cmdlet takes' {
        Find-StoredMessage ./mail report -Mailbox alice -Archived | Restore-ArchivedMessage | Should -HaveCount 2
        Find-StoredMessage ./mail report -Mailbox alice -Archived | Should -BeNullOrEmpty
        $null = Start-MessageArchive ./mail -Before 2003-01-01
        $hold = Find-StoredMessage ./mail 'report number' -Archived | Add-MessageHold -Reason 'Case 12.'
        $hold.MessageCount | Should -Be 2
        $hold | Remove-MessageHold -Reason 'Closed.' -Confirm:$false
        Find-StoredMessage ./mail 'report number' -Archived | Export-StoredMessage -Path ./found -Format Eml
        Get-ChildItem ./found -Recurse -Filter *.eml | Should -HaveCount 2
    }

    It 'leaves the texts of a barred archive out, with a warning' {
        $null = Block-MessageArchive ./mail alice -Reason 'an inquiry'
        $found = Find-StoredMessage ./mail report -WarningVariable warned -WarningAction SilentlyContinue
        ($found | Where-Object { $_.Mailbox -eq 'alice' -and $_.IsArchived }) | Should -BeNullOrEmpty
        "$warned" | Should -Match '^Hits may be missing. 2 archived messages of alice were not searched, for .* barred them .* an inquiry'
        Find-StoredMessage ./mail -Subject report -Mailbox alice -Archived -WarningVariable none | Should -HaveCount 2
        $none | Should -BeNullOrEmpty
        $null = Unblock-MessageArchive ./mail alice -Reason 'done' -Confirm:$false
    }

    It 'refuses <Query>, saying why' -ForEach @(@{ Query = '!!!' }, @{ Query = 'after:soon' }, @{ Query = 'is:green' }) {
        { Find-StoredMessage ./mail $Query -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidParameter*'
    }

    It 'names a mailbox that is not there' {
        { Find-StoredMessage ./mail report -Mailbox nobody -ErrorAction Stop } | Should -Throw -ErrorId 'MailboxNotFound*'
    }

    It 'makes the index anew and says what it has' {
        $status = Update-MessageSearchIndex ./mail -Rebuild
        $status.StorageGroup | Should -Be @('SG1', 'SG2')
        ($status | Measure-Object MessageCount -Sum).Sum | Should -Be 5
        $status.WaitingCount | Should -Be @(0, 0)
        $status | Out-String -Width 80 | Should -Match 'SG1'
        (Update-MessageSearchIndex ./mail -StorageGroup SG2).StorageGroup | Should -Be 'SG2'
        { Update-MessageSearchIndex ./mail -StorageGroup SG9 -ErrorAction Stop } | Should -Throw -ErrorId 'GroupNotFound*'
        (Find-StoredMessage ./mail report).Count | Should -Be 5
    }

    It 'warns where a message cannot be read' {
        $archive = Get-ChildItem ./mail/archive -Recurse -File -Filter *.mbox.gz | Select-Object -First 1
        Move-Item $archive.FullName "$($archive.FullName).away"
        $status = Update-MessageSearchIndex ./mail -Rebuild -ErrorVariable trouble -ErrorAction SilentlyContinue
        ($status | Measure-Object UnreadableCount -Sum).Sum | Should -Be 2
        $trouble[0].FullyQualifiedErrorId | Should -BeLike 'SearchIndexIncomplete*'
        $null = Find-StoredMessage ./mail report -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -Match 'Hits may be missing. 2 messages of storage group SG1 cannot be read and were not searched'
        Move-Item "$($archive.FullName).away" $archive.FullName
        $null = Update-MessageSearchIndex ./mail
        (Find-StoredMessage ./mail report).Count | Should -Be 5
    }
}

Describe 'Searching the corpus' -Skip:([bool] $CorpusIsMissing) {
    BeforeAll {
        $place = New-TestFolder searchcorpus
        Push-Location $place
        $null = New-MessageDatabase ./mail
        $null = Import-StoredMessage ./mail all (Join-Path $CorpusFolder 'ham.mbox.gz')
    }
    AfterAll { Pop-Location; Remove-TestFolder $place }

    It 'agrees with what a listing says of senders and subjects' {
        $list = Get-StoredMessage ./mail
        $list.Count | Should -Be 3900
        foreach ($word in 'razor', 'spam', 'linux') {
            $expected = @($list | Where-Object Subject -Match "(?<![A-Za-z0-9])$word(?![A-Za-z0-9])")
            $expected.Count | Should -BeGreaterThan 10
            (Find-StoredMessage ./mail "subject:$word").Id | Sort-Object | Should -Be ($expected.Id | Sort-Object)
        }
    }

    It 'goes on from where the last process stopped' {
        $count = (Find-StoredMessage ./mail 'linux -windows').Count
        pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; (Find-StoredMessage '$place/mail' 'linux -windows').Count" | Should -Be $count
    }
}
