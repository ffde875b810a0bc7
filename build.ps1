<#
.SYNOPSIS
    Builds, tests and packages MessageStore.
.DESCRIPTION
    Everything here can be done by hand: 'dotnet build' leaves a module that imports from the repository root, 'dotnet test' runs all
    tests. This script adds the compiled help and the package.
.PARAMETER Task
    Build (default), Help: write en-US/MessageStore.PowerShell.dll-Help.xml from docs/cmdlets, Test, Package: the module in
    out/MessageStore/<version>, or All.
.PARAMETER Configuration
    Release (default) or Debug.
.EXAMPLE
    ./build.ps1 -Task Test
.EXAMPLE
    ./build.ps1 -Task Package; Import-Module ./out/MessageStore/*/MessageStore.psd1
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Help', 'Test', 'Package', 'All')] [string[]] $Task = 'Build',
    [ValidateSet('Release', 'Debug')] [string] $Configuration = 'Release'
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 3
$all = $Task -contains 'All'

function Invoke-DotNet {
    & dotnet @args
    if ($LASTEXITCODE -ne 0) { throw "dotnet $args ended with exit code $LASTEXITCODE." }
}

Push-Location $PSScriptRoot
try {
    Invoke-DotNet build MessageStore.sln -c $Configuration --nologo -v quiet

    if ($all -or $Task -contains 'Help') {
        # A process of its own: this one may have an older build of the module loaded.
        & pwsh -NoProfile -NonInteractive -File tools/New-HelpFile.ps1 -Path en-US/MessageStore.PowerShell.dll-Help.xml
        if ($LASTEXITCODE -ne 0) { throw 'The help could not be written.' }
    }

    if ($all -or $Task -contains 'Test') { Invoke-DotNet test MessageStore.sln -c $Configuration --no-build --nologo }

    if ($all -or $Task -contains 'Package') {
        $version = (Import-PowerShellDataFile MessageStore.psd1).ModuleVersion
        $package = Join-Path $PSScriptRoot "out/MessageStore/$version"
        if (Test-Path $package) { Remove-Item $package -Recurse -Force }
        $null = New-Item -ItemType Directory $package
        Copy-Item MessageStore.psd1, MessageStore.format.ps1xml, MessageStore.types.ps1xml, LICENSE, lib, en-US -Destination $package -Recurse
        & pwsh -NoProfile -NonInteractive -Command "Import-Module '$package/MessageStore.psd1'; (Get-Command -Module MessageStore).Count"
        if ($LASTEXITCODE -ne 0) { throw 'The packaged module does not import.' }
        Get-Item $package
    }
} finally { Pop-Location }
