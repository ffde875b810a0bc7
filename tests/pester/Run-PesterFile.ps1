<#
.SYNOPSIS
    Runs one Pester file and writes counts and failures as JSON, for the xUnit project.
.PARAMETER Path
    The test file.
.PARAMETER ReportPath
    The JSON file to write.
#>
param([Parameter(Mandatory)] [string] $Path, [Parameter(Mandatory)] [string] $ReportPath)
$ErrorActionPreference = 'Stop'
Import-Module Pester -MinimumVersion 5.0 -MaximumVersion 5.999
$configuration = New-PesterConfiguration
$configuration.Run.Path = $Path
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'None'
# The tests run under the preference that users have.
$ErrorActionPreference = 'Continue'
$result = Invoke-Pester -Configuration $configuration
# BeforeAll blocks and files that do not load fail without any test failing.
$broken = @($result.FailedContainers) + @($result.FailedBlocks)
$failures = foreach ($item in @($result.Failed) + $broken) {
    foreach ($trouble in $item.ErrorRecord) { "$($item.ExpandedPath ?? $item.Item ?? $item)`n    $($trouble.Exception.Message)`n    $($trouble.ScriptStackTrace)" }
}
@{
    passed = $result.PassedCount; failed = $result.FailedCount; skipped = $result.SkippedCount; broken = $broken.Count; failures = @($failures)
} | ConvertTo-Json | Set-Content -LiteralPath $ReportPath
