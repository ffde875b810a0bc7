BeforeDiscovery { . $PSScriptRoot/Support.ps1 }
BeforeAll {
    . $PSScriptRoot/Support.ps1
    $HelpFile = "$RepositoryRoot/en-US/MessageStore.PowerShell.dll-Help.xml"
    $CommonParameters = [Management.Automation.Cmdlet]::CommonParameters
}

Describe 'The help' {
    It 'covers every cmdlet' {
        $text = Get-Content $HelpFile -Raw
        $text | Should -Not -Match '\{\{'
        ([xml]$text).helpItems.command.Count | Should -Be $PromisedCmdlets.Count
    }

    It 'is in step with docs/cmdlets and the cmdlets (run build.ps1 -Task Help)' {
        & "$RepositoryRoot/tools/New-HelpFile.ps1" -Path TestDrive:/help.xml
        (Get-FileHash TestDrive:/help.xml).Hash | Should -Be (Get-FileHash $HelpFile).Hash
    }

    It '<_> has a synopsis, a description, and two examples at least' -ForEach $PromisedCmdlets {
        $help = Get-Help $_ -Full
        $help.Synopsis.Trim() | Should -Not -BeNullOrEmpty
        $help.Synopsis | Should -Not -Match ([regex]::Escape($_)) -Because 'that would be made from the syntax'
        $help.Description.Text | Should -Not -BeNullOrEmpty
        @($help.Examples.Example).Count | Should -BeGreaterOrEqual 2
        @($help.Examples.Example).ForEach({ $_.Code.Trim() }) | Should -Not -BeNullOrEmpty
        @($help.ReturnValues.ReturnValue).Count | Should -BeGreaterOrEqual 1
    }

    It '<_> describes every parameter' -ForEach $PromisedCmdlets {
        $described = (Get-Help $_ -Full).Parameters.Parameter
        $real = (Get-Command $_).Parameters.Keys | Where-Object { $_ -notin $CommonParameters }
        $described.Name | Sort-Object | Should -Be ($real | Sort-Object)
        foreach ($parameter in $described) { ($parameter.Description.Text -join '').Trim() | Should -Not -BeNullOrEmpty -Because $parameter.Name }
    }

    It '<_> is a topic' -ForEach 'about_MessageStore', 'about_MessageStore_Recovery' {
        $text = Get-Help $_ | Out-String
        $text.Length | Should -BeGreaterThan 2000
        $text | Should -Match 'SHORT DESCRIPTION'
    }
}
