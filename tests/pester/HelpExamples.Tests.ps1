BeforeDiscovery {
    . $PSScriptRoot/Support.ps1
    $Examples = foreach ($name in $PromisedCmdlets) {
        foreach ($example in (Get-Help $name -Full).Examples.Example) { @{ Name = $name; Title = $example.Title.Trim('- '); Code = $example.Code } }
    }
}
BeforeAll { . $PSScriptRoot/Support.ps1 }

Describe 'The examples of the help' {
    It 'are two for each cmdlet at least' -ForEach @{ Count = $Examples.Count } {
        $Count | Should -BeGreaterOrEqual (2 * $PromisedCmdlets.Count)
    }

    It '<Name>, <Title>' -ForEach $Examples {
        $place = New-TestFolder example
        New-Sandbox $place
        Push-Location $place
        try {
            { & ([scriptblock]::Create("`$ErrorActionPreference = 'Stop'`n$Code")) | Out-String -Width 80 } | Should -Not -Throw
        } finally { Pop-Location; Remove-TestFolder $place }
    }
}
