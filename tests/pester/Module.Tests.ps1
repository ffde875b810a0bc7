BeforeDiscovery { . $PSScriptRoot/Support.ps1 }
BeforeAll { . $PSScriptRoot/Support.ps1 }

Describe 'The module' {
    It 'has a valid manifest' {
        (Test-ModuleManifest "$RepositoryRoot/MessageStore.psd1").Name | Should -Be 'MessageStore'
    }

    It 'exports exactly the promised cmdlets' {
        (Get-Command -Module MessageStore).Name | Sort-Object | Should -Be ($PromisedCmdlets | Sort-Object)
        $PromisedCmdlets.Count | Should -BeGreaterOrEqual 23
    }

    It 'exports no name that Exchange or Windows has' {
        (Get-Command -Module MessageStore).Name | Should -Not -BeIn 'Get-Message', 'Get-Mailbox', 'Get-StorageNode'
    }

    It '<_> uses an approved verb' -ForEach $PromisedCmdlets {
        ($_ -split '-')[0] | Should -BeIn (Get-Verb).Verb
    }

    It '<_> is a class <Verb><Noun>Command and declares its output' -ForEach $PromisedCmdlets {
        $command = Get-Command $_
        $command.ImplementingType.Name | Should -BeExactly (($_ -replace '-') + 'Command')
        $command.OutputType.Count | Should -BeGreaterThan 0
    }

    It '<_> supports -WhatIf if it changes anything' -ForEach ($PromisedCmdlets -notmatch '^(Find|Get|Test)-') {
        (Get-Command $_).Parameters.Keys | Should -Contain 'WhatIf'
    }

    It '<_> asks before something is lost' -ForEach ($PromisedCmdlets -match '^Remove-') {
        $attribute = (Get-Command $_).ImplementingType.GetCustomAttributes([Management.Automation.CmdletAttribute], $false)
        $attribute.ConfirmImpact | Should -Be 'High'
    }

    It 'has the parameters of the contract' -ForEach @(
        @{ Name = 'New-MessageDatabase'; Parameters = 'Path StorageGroup LogPath BackupPath ArchivePath PassThru' }
        @{ Name = 'Get-MessageDatabase'; Parameters = 'Path LiteralPath' }
        @{ Name = 'Import-StoredMessage'; Parameters = 'Database Mailbox Folder Path LiteralPath RequireMailbox PassThru' }
        @{ Name = 'Get-StoredMessage'; Parameters = 'Database Mailbox Folder Id ReceivedAfter ReceivedBefore From Subject First Skip' }
        @{ Name = 'Export-StoredMessage'; Parameters = 'Database Mailbox Id Path Format' }
        @{ Name = 'Start-MessageArchive'; Parameters = 'Database OlderThan Before ReadState Folder Mailbox RetainFor Seekers Archivers AsJob' }
        @{ Name = 'Start-StorageGroupBackup'; Parameters = 'Database StorageGroup Destination Kind AsJob' }
        @{ Name = 'Test-StorageGroupBackup'; Parameters = 'Path' }
        @{ Name = 'Restore-MessageDatabase'; Parameters = 'BackupPath Destination LogPath PointInTime StorageGroup Force' }
        @{ Name = 'Get-ArchiveKey'; Parameters = 'Database Mailbox Id' }
        @{ Name = 'Optimize-MessageDatabase'; Parameters = 'Database StorageGroup MinimumDeadShare' }
        @{ Name = 'Test-MessageDatabase'; Parameters = 'Database StorageGroup Repair SkipArchive' }
    ) {
        foreach ($parameter in $Parameters -split ' ') { (Get-Command $Name).Parameters.Keys | Should -Contain $parameter }
    }

    It 'has results with the properties of the contract' -ForEach @(
        @{ Type = 'DatabaseStatus'; Properties = 'Path State MessageCount HotMessageCount ArchivedMessageCount HotBytes ArchivedBytes BackupAge StorageGroups' }
        @{ Type = 'ImportResult'; Properties = 'Path Imported Failed Bytes' }
        @{ Type = 'StoredMessage'; Properties = 'Id Mailbox Folder ReceivedDate From To Subject MessageIdHeader Size IsRead IsArchived' }
        @{ Type = 'ArchiveRun'; Properties = 'Id Matched Moved Skipped Failed Bytes Duration Receipts' }
        @{ Type = 'BackupRun'; Properties = 'Id Path Kind Messages Bytes PatchTransactions Duration' }
        @{ Type = 'BackupDrill'; Properties = 'Result Messages Differences RestoreDuration Reason' }
        @{ Type = 'RestoreRun'; Properties = 'Path Messages ReplayedTransactions Duration' }
        @{ Type = 'DatabaseTest'; Properties = 'Result Messages Damaged Repaired Bytes Duration Findings' }
        @{ Type = 'DatabaseFinding'; Properties = 'Mailbox Id Subject File Offset Problem RepairedFrom' }
        @{ Type = 'StorageGroupOptimization'; Properties = 'StorageGroup SegmentsRewritten BytesFreed BytesCopied Duration Notes' }
        @{ Type = 'ArchiveKey'; Properties = 'Id Mailbox Target Unit Volume Offset Length Sha256 StorageDate DeletionDate' }
    ) {
        foreach ($property in $Properties -split ' ') { (Get-EngineType $Type).GetProperty($property) | Should -Not -BeNullOrEmpty -Because $property }
    }

    It 'has a table that fits 80 columns and a list for every result' {
        $format = [xml](Get-Content "$RepositoryRoot/MessageStore.format.ps1xml" -Raw)
        $views = $format.Configuration.ViewDefinitions.View
        $views.Count | Should -BeGreaterOrEqual 30
        foreach ($view in $views | Where-Object { $_.SelectSingleNode('TableControl') }) {
            $widths = @($view.SelectNodes('.//TableColumnHeader/Width') | ForEach-Object { [int]$_.InnerText })
            (($widths | Measure-Object -Sum).Sum + $widths.Count) | Should -BeLessOrEqual 80 -Because $view.Name
            $view.SelectNodes('.//TableColumnHeader').Count | Should -Be $view.SelectNodes('.//TableColumnItem').Count -Because $view.Name
            Get-EngineType ($view.ViewSelectedBy.TypeName -replace '^MessageStore\.') | Should -Not -BeNullOrEmpty
        }
    }
}

Describe 'Importing the module' {
    It 'works twice with -Force' {
        # In a process of its own, since here the module is loaded already. How long it takes is measured on a quiet machine (docs/performance.md), not here.
        $count = pwsh -NoProfile -NonInteractive -Command "
            foreach (`$i in 1, 2) { Import-Module '$RepositoryRoot/MessageStore.psd1' -Force }
            (Get-Command -Module MessageStore).Count"
        $LASTEXITCODE | Should -Be 0
        $count | Should -Be $PromisedCmdlets.Count
    }

    It 'works beside a module that brings an older engine, <Order>' -ForEach @(
        @{ Order = 'ours first'; First = 'MessageStore.psd1'; Second = 'Other' }
        @{ Order = 'ours last'; First = 'Other'; Second = 'MessageStore.psd1' }
    ) {
        $other = Join-Path $TestDrive 'Other'
        if (-not (Test-Path $other)) {
            $null = New-Item -ItemType Directory $other
            # An assembly of the same name and an older version, as another module would bring it.
            $code = '[assembly: System.Reflection.AssemblyVersion("0.0.1.0")] namespace MessageStore { public static class OlderEngine { public static string Version => typeof(OlderEngine).Assembly.GetName().Version.ToString(); } }'
            pwsh -NoProfile -NonInteractive -Command "Add-Type -TypeDefinition '$code' -OutputAssembly '$other/MessageStore.Engine.dll'"
            Set-Content "$other/Other.psm1" 'Add-Type -Path $PSScriptRoot/MessageStore.Engine.dll; function Get-OlderEngine { [MessageStore.OlderEngine]::Version }'
        }
        $paths = @{ 'MessageStore.psd1' = "$RepositoryRoot/MessageStore.psd1"; Other = "$other/Other.psm1" }
        $output = pwsh -NoProfile -NonInteractive -Command "
            `$ErrorActionPreference = 'Stop'
            Import-Module '$($paths[$First])'; Import-Module '$($paths[$Second])'
            Get-OlderEngine
            try { Get-StoredMailbox '$TestDrive/nowhere' } catch { `$_.FullyQualifiedErrorId }
            (Get-Command Get-StoredMessage).OutputType.Type.Assembly.GetName().Version.ToString()"
        $output | Should -Be @('0.0.1.0', 'PathNotFound,MessageStore.PowerShell.Commands.GetStoredMailboxCommand', '0.1.0.0')
    }

    It 'can be removed and imported again' {
        $output = pwsh -NoProfile -NonInteractive -Command "
            Import-Module '$RepositoryRoot/MessageStore.psd1'; Remove-Module MessageStore; (Get-Module MessageStore).Count
            Import-Module '$RepositoryRoot/MessageStore.psd1'; (Get-Command -Module MessageStore).Count"
        $output | Should -Be '0', "$($PromisedCmdlets.Count)"
    }
}

Describe 'PSScriptAnalyzer' -Skip:(-not (Get-Module PSScriptAnalyzer -ListAvailable)) {
    It 'finds nothing in the scripts' {
        $found = Get-ChildItem $RepositoryRoot -File -Recurse -Include *.ps1, *.psm1, *.psd1 |
            Where-Object FullName -NotMatch '[\\/](bin|obj|lib|out|tests)[\\/]' |
            Where-Object Name -NotLike '*.Tests.ps1' | # what BeforeAll assigns and It uses looks unused to it
            ForEach-Object { Invoke-ScriptAnalyzer -Path $_.FullName -Severity Warning, Error }
        $found | ForEach-Object { "$($_.ScriptName):$($_.Line) $($_.RuleName)" } | Should -BeNullOrEmpty
    }
}
