BeforeAll {
    . $PSScriptRoot/Support.ps1
    $place = New-TestFolder archivelife
    Push-Location $place
    function New-ArchivedDatabase([string] $Path) {
        # Three old messages each of alice and bob, archived; two young ones of alice.
        New-Mbox "$place/old.mbox" 3
        New-Mbox "$place/new.mbox" 2 -Received '2024-03-01 08:00:00'
        $database = New-MessageDatabase $Path -StorageGroup SG1, SG2 -PassThru
        $null = Import-StoredMessage $database alice ./old.mbox, ./new.mbox
        $null = Import-StoredMessage $database bob ./old.mbox
        (Start-MessageArchive $database -Before 2003-01-01).Moved | Should -Be 6
        $database
    }
    function Get-ErrorId([scriptblock] $Command) {
        @(try { & $Command 2>&1 } catch { $_ }).Where({ $_ -is [Management.Automation.ErrorRecord] }).ForEach({ ($_.FullyQualifiedErrorId -split ',')[0] })
    }
}
AfterAll { Pop-Location; Remove-TestFolder $place }

Describe 'Restore-ArchivedMessage' {
    BeforeAll { $db = New-ArchivedDatabase ./recall }

    It 'brings a mailbox back, byte for byte' {
        Export-StoredMessage $db alice ./before
        $back = Restore-ArchivedMessage $db alice
        $back | Should -HaveCount 3
        $back.IsArchived | Should -Not -Contain $true
        Export-StoredMessage $db alice ./after
        Get-Digest (Get-ChildItem ./after -Recurse -File).FullName | Should -Be (Get-Digest (Get-ChildItem ./before -Recurse -File).FullName)
        (Get-MessageDatabase $db.Path).ArchivedMessageCount | Should -Be 3
    }

    It 'takes messages by identity from the pipeline, and by date' {
        $one = Get-StoredMessage $db bob -First 1
        ($one | Restore-ArchivedMessage).Id | Should -Be $one.Id
        Restore-ArchivedMessage $db b* -ReceivedBefore 2000-01-01 | Should -BeNullOrEmpty
        Restore-ArchivedMessage $db b* -ReceivedAfter 2000-01-01 | Should -HaveCount 2
        Get-StoredMessage $db -Archived | Should -BeNullOrEmpty
    }

    It 'moves a message to the archive again without a second record' {
        $size = (Get-ChildItem ./recall/archive -Recurse -Filter *.mbox.gz | Measure-Object Length -Sum).Sum
        (Start-MessageArchive $db -Before 2003-01-01).Moved | Should -Be 6
        (Get-ChildItem ./recall/archive -Recurse -Filter *.mbox.gz | Measure-Object Length -Sum).Sum | Should -Be $size
        (Test-MessageDatabase $db).Findings | Should -BeNullOrEmpty
    }

    It 'names a message that is not there, and brings the others' {
        $known = Get-StoredMessage $db bob -First 1
        $unknown = New-Guid
        $back = Restore-ArchivedMessage $db -Id $unknown, $known.Id -ErrorVariable trouble -ErrorAction SilentlyContinue
        $back.Id | Should -Be $known.Id
        $trouble.FullyQualifiedErrorId | Should -BeLike 'MessageNotFound,*'
        $trouble.TargetObject | Should -Be $unknown
    }

    It 'says for each mailbox what -WhatIf would bring' {
        $output = pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; Restore-ArchivedMessage '$place/recall' alice -WhatIf"
        $output | Should -HaveCount 1
        $output | Should -Match 'What if:.*Bring 3 messages \(.*\) back.*"alice"'
    }
}

Describe 'Block-MessageArchive' {
    BeforeAll { $db = New-ArchivedDatabase ./block }

    It 'bars reading and export and never says "not found"' {
        $block = Block-MessageArchive $db alice -Reason 'Case 12.'
        $block.By | Should -BeLike "$([Environment]::UserName)@*"
        Get-StoredMessage $db alice | Should -HaveCount 5
        Get-ErrorId { Export-StoredMessage $db alice ./barred } | Sort-Object -Unique | Should -Be 'ArchiveAccessDenied'
        (Get-ChildItem ./barred -Recurse -File).Count | Should -Be 2 -Because 'current mail is not concerned'
        Get-ErrorId { Restore-ArchivedMessage $db alice } | Sort-Object -Unique | Should -Be 'ArchiveAccessDenied'
        Export-StoredMessage $db bob ./free
        (Get-ChildItem ./free -Recurse -File).Count | Should -Be 3
    }

    It 'is shown by Get-MessageArchive with who, when and why' {
        $archive = Get-MessageArchive $db alice
        $archive.IsBlocked | Should -BeTrue
        $archive.BlockReason | Should -Be 'Case 12.'
        $archive.BlockedBy | Should -BeLike "$([Environment]::UserName)@*"
        $archive.BlockedSince | Should -BeOfType [DateTimeOffset]
        $archive | Format-Table | Out-String -Width 80 | Should -Match 'yes'
        (Get-MessageArchive $db bob).IsBlocked | Should -BeFalse
    }

    It 'is lifted by Unblock-MessageArchive' {
        (Unblock-MessageArchive $db alice -Reason 'Closed.').LiftReason | Should -Be 'Closed.'
        Export-StoredMessage $db alice ./open
        (Get-ChildItem ./open -Recurse -File).Count | Should -Be 5
        Get-ErrorId { Unblock-MessageArchive $db alice } | Should -Be 'BlockNotFound'
    }

    It 'refuses a mailbox that is not there' {
        Get-ErrorId { Block-MessageArchive $db nobody -Reason x } | Should -Be 'MailboxNotFound'
    }
}

Describe 'Add-MessageHold' {
    BeforeAll { $db = New-ArchivedDatabase ./hold }

    It 'keeps held messages, hot and archived, until it is lifted' {
        $hold = Get-StoredMessage $db alice -Subject 'report 1' | Add-MessageHold -Reason 'Case 12.'
        $hold.MessageCount | Should -Be 2
        $hold | Format-Table | Out-String -Width 80 | Should -Match '2 messages'
        $refused = Get-StoredMessage $db alice | Remove-StoredMessage -Confirm:$false -ErrorVariable trouble -ErrorAction SilentlyContinue
        $refused | Should -BeNullOrEmpty
        $trouble.FullyQualifiedErrorId | Should -Be (@('MessageOnHold,MessageStore.PowerShell.Commands.RemoveStoredMessageCommand') * 2)
        (Get-StoredMessage $db alice).Subject | Should -Be 'report 1', 'report 1'
        Get-ErrorId { Remove-StoredMailbox $db alice -Confirm:$false } | Should -Be 'MessageOnHold'
        $lifted = Get-MessageHold $db | Remove-MessageHold -Reason 'Closed.' -Confirm:$false -PassThru
        $lifted.InForce | Should -BeFalse
        Get-MessageHold $db | Should -BeNullOrEmpty
        (Get-MessageHold $db -IncludeLifted).LiftReason | Should -Be 'Closed.'
        Remove-StoredMailbox $db alice -Confirm:$false
    }

    It 'covers a mailbox and a range of dates' {
        $null = Add-MessageHold $db bob -ReceivedBefore 2002-08-22T12:46:19Z -Reason 'Audit.'
        Get-ErrorId { Get-StoredMessage $db bob | Remove-StoredMessage -Confirm:$false } | Sort-Object -Unique | Should -Be 'MessageOnHold'
        (Import-StoredMessage $db bob ./new.mbox).Imported | Should -Be 2
        Get-StoredMessage $db bob -ReceivedAfter 2003-01-01 | Remove-StoredMessage -Confirm:$false
        Get-StoredMessage $db bob | Should -HaveCount 3
    }

    It '<Name> is <Id>' -ForEach @(
        @{ Name = 'a hold on a mailbox that is not there'; Id = 'MailboxNotFound'; Command = { Add-MessageHold $db nobody -Reason x } }
        @{ Name = 'a hold on a message that is not there'; Id = 'MessageNotFound'; Command = { Add-MessageHold $db -Id (New-Guid) -Reason x } }
        @{ Name = 'a range that covers nothing'; Id = 'InvalidParameter'; Command = { Add-MessageHold $db bob -ReceivedAfter 2003-01-01 -ReceivedBefore 2002-01-01 -Reason x } }
        @{ Name = 'a hold that is not there'; Id = 'HoldNotFound'; Command = { Remove-MessageHold $db (New-Guid) -Confirm:$false } }
        @{ Name = 'a hold asked for that is not there'; Id = 'HoldNotFound'; Command = { Get-MessageHold $db -Id (New-Guid) } }
    ) {
        Get-ErrorId $Command | Should -Be $Id
    }
}

Describe 'Remove-ExpiredMessage' {
    BeforeAll {
        $db = New-MessageDatabase ./expiry -StorageGroup SG1, SG2 -PassThru
        New-Mbox "$place/expired.mbox" 4
        New-Mbox "$place/kept.mbox" 2 -Received '2002-09-01 08:00:00'
        'alice', 'bob', 'carol' | ForEach-Object { $null = Import-StoredMessage $db $_ ./expired.mbox }
        $null = Start-MessageArchive $db -Before 2003-01-01 -RetainFor ([timespan]::Zero)
        $null = Import-StoredMessage $db alice ./kept.mbox
        $null = Start-MessageArchive $db -Before 2003-01-01
        $hold = Add-MessageHold $db bob -Reason 'Case 12.'
        $backup = Start-StorageGroupBackup $db
    }

    It 'says for each mailbox what -WhatIf would remove and what a hold keeps' {
        $output = pwsh -NoProfile -NonInteractive -Command "Import-Module '$RepositoryRoot/MessageStore.psd1'; `$null = Remove-ExpiredMessage '$place/expiry' -WhatIf"
        $output | Should -HaveCount 3
        $output[1] | Should -Match 'Remove 0 expired messages and keep 4 that are held.*"bob"'
        (Get-StoredMessage $db).Count | Should -Be 14
    }

    It 'removes what is due, deletes and rewrites files, and says what it kept and why' {
        $run = Remove-ExpiredMessage $db -Confirm:$false
        $run.Due, $run.Removed, $run.Held, $run.Failed | Should -Be 12, 8, 4, 0
        $run.FilesDeleted, $run.FilesRewritten | Should -Be 1, 1
        ($run.Receipts | Where-Object Mailbox -EQ bob).Reason | Should -Match "held by $([Environment]::UserName)@.*Case 12\."
        $run | Format-Table | Out-String -Width 80 | Should -Match '12 +8 +4'
        (Get-ChildItem ./expiry/archive -Directory).Name | Should -Be 'alice', 'bob'
        (Get-StoredMessage $db alice).Subject | Should -Be 'report 1', 'report 2'
        Export-StoredMessage $db alice ./kept
        (Get-ChildItem ./kept -Recurse -File).Count | Should -Be 2
        (Test-MessageDatabase $db).Result | Should -Be 'Whole'
    }

    It 'does not let a backup of before bring them back' {
        $restored = Restore-MessageDatabase $backup.Path ./expiry-restored -WarningVariable said -WarningAction SilentlyContinue
        (Get-StoredMessage ./expiry-restored).Count | Should -Be 6
        "$said $($restored.Warnings)" | Should -Match '8 messages had expired'
        Export-StoredMessage ./expiry-restored * ./restored-mail
        (Get-ChildItem ./restored-mail -Recurse -File).Count | Should -Be 6
    }

    It 'takes the rest when the hold is lifted' {
        $hold | Remove-MessageHold -Confirm:$false
        (Remove-ExpiredMessage $db -Confirm:$false).Removed | Should -Be 4
        (Get-StoredMessage $db).Count | Should -Be 2
    }

    It 'is ArchiveUnavailable where the archive is away, and nothing is removed' {
        Rename-Item ./expiry/archive away
        Get-ErrorId { Remove-ExpiredMessage $db -Confirm:$false } | Should -Be 'ArchiveUnavailable'
        Rename-Item ./expiry/away archive
        (Get-StoredMessage $db).Count | Should -Be 2
    }
}
