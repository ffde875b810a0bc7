<#
.SYNOPSIS
    Writes the module's compiled help from docs/cmdlets/*.md.
.DESCRIPTION
    The pages hold the words, the cmdlets themselves the syntax: names, types, positions, pipeline input and defaults are read from
    the imported module, so they cannot drift apart. tests/pester/Help.Tests.ps1 says whether the committed file is in step.
.PARAMETER Path
    The file to write.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Path
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 3
$root = Split-Path $PSScriptRoot
$pages = Join-Path $root 'docs/cmdlets'
if (-not (Get-Module MessageStore)) { Import-Module (Join-Path $root 'MessageStore.psd1') }

function Read-Page([string] $file) {
    # Sections by heading: '## X' opens a section, '### Y' an item in it.
    $page = @{ Lead = @(); Sections = @{}; Items = [ordered]@{} }
    $section = ''; $item = ''; $code = $false
    foreach ($line in [IO.File]::ReadAllLines($file)) {
        if ($line.StartsWith('```')) { $code = -not $code }
        if (-not $code -and $line -match '^# ') { continue }
        if (-not $code -and $line -match '^## (.+)$') { $section = $Matches[1]; $item = ''; $page.Sections[$section] = [Collections.Generic.List[string]]::new(); continue }
        if (-not $code -and $line -match '^### (.+)$') { $item = "$section/" + $Matches[1]; $page.Items[$item] = [Collections.Generic.List[string]]::new(); continue }
        if ($item) { $page.Items[$item].Add($line) } elseif ($section) { $page.Sections[$section].Add($line) } else { $page.Lead += $line }
    }
    $page
}

function Get-Paragraph($lines) { ,@((($lines -join "`n").Trim() -split "\n\s*\n") | ForEach-Object { ($_ -replace '`', '').Trim() } | Where-Object { $_ }) }

function Write-Paragraph($writer, [string] $element, $paragraphs) {
    $prefix, $name = $element -split ':'
    $writer.WriteStartElement($prefix, $name, $spaces[$prefix])
    foreach ($paragraph in $paragraphs) { $writer.WriteElementString('maml', 'para', $spaces.maml, ($paragraph -replace '\n', ' ')) }
    $writer.WriteEndElement()
}

function Write-Parameter($writer, $parameter, [string[]] $text, [bool] $inSyntax) {
    $meta = $cmdlet.Parameters[$parameter.Name]
    $pipeline = @(if ($parameter.ValueFromPipeline) { 'ByValue' }) + @(if ($parameter.ValueFromPipelineByPropertyName) { 'ByPropertyName' })
    $globs = [bool]($meta.Attributes | Where-Object { $_ -is [Management.Automation.SupportsWildcardsAttribute] })
    $type = [Nullable]::GetUnderlyingType($parameter.ParameterType) ?? $parameter.ParameterType
    $writer.WriteStartElement('command', 'parameter', $spaces.command)
    $writer.WriteAttributeString('required', $parameter.IsMandatory.ToString().ToLowerInvariant())
    $writer.WriteAttributeString('variableLength', $type.IsArray.ToString().ToLowerInvariant())
    $writer.WriteAttributeString('globbing', $globs.ToString().ToLowerInvariant())
    $writer.WriteAttributeString('pipelineInput', $(if ($pipeline) { "True ($($pipeline -join ', '))" } else { 'False' }))
    $writer.WriteAttributeString('position', $(if ($parameter.Position -ge 0) { $parameter.Position } else { 'named' }))
    $writer.WriteAttributeString('aliases', $(if ($parameter.Aliases) { $parameter.Aliases -join ', ' } else { 'none' }))
    $writer.WriteElementString('maml', 'name', $spaces.maml, $parameter.Name)
    Write-Paragraph $writer 'maml:Description' $text
    if ($type.IsEnum -or ($type.IsArray -and $type.GetElementType().IsEnum)) {
        $writer.WriteStartElement('command', 'parameterValueGroup', $spaces.command)
        foreach ($value in [Enum]::GetNames($type)) {
            $writer.WriteStartElement('command', 'parameterValue', $spaces.command)
            $writer.WriteAttributeString('required', 'false'); $writer.WriteAttributeString('variableLength', 'false')
            $writer.WriteString($value); $writer.WriteEndElement()
        }
        $writer.WriteEndElement()
    }
    if (-not ($inSyntax -and $type -eq [switch])) {
        $writer.WriteStartElement('command', 'parameterValue', $spaces.command)
        $writer.WriteAttributeString('required', ($type -ne [switch]).ToString().ToLowerInvariant())
        $writer.WriteAttributeString('variableLength', $type.IsArray.ToString().ToLowerInvariant())
        $writer.WriteString($type.Name); $writer.WriteEndElement()
    }
    $writer.WriteStartElement('dev', 'type', $spaces.dev)
    $writer.WriteElementString('maml', 'name', $spaces.maml, $type.Name); $writer.WriteElementString('maml', 'uri', $spaces.maml, '')
    $writer.WriteEndElement()
    $writer.WriteElementString('dev', 'defaultValue', $spaces.dev, $(if ($type -eq [switch]) { 'False' } else { 'None' }))
    $writer.WriteEndElement()
}

function Write-TypeList($writer, [string] $list, [string] $element, $lines) {
    $writer.WriteStartElement('command', $list, $spaces.command)
    $entries = @($lines | Where-Object { $_ })
    for ($i = 0; $i -lt $entries.Count; $i += 2) {
        # A line that names a type, then a line that describes it; the description may be missing.
        $describes = $i + 1 -lt $entries.Count
        $writer.WriteStartElement('command', $element, $spaces.command)
        $writer.WriteStartElement('dev', 'type', $spaces.dev); $writer.WriteElementString('maml', 'name', $spaces.maml, $entries[$i]); $writer.WriteEndElement()
        Write-Paragraph $writer 'maml:description' @(if ($describes) { $entries[$i + 1] })
        $writer.WriteEndElement()
    }
    $writer.WriteEndElement()
}

$spaces = @{
    maml = 'http://schemas.microsoft.com/maml/2004/10'
    command = 'http://schemas.microsoft.com/maml/dev/command/2004/10'
    dev = 'http://schemas.microsoft.com/maml/dev/2004/10'
}
$common = Read-Page (Join-Path $pages 'common-parameters.md')
$implicit = [Management.Automation.Cmdlet]::CommonParameters
$settings = [Xml.XmlWriterSettings]@{ Indent = $true; Encoding = [Text.UTF8Encoding]::new($false); NewLineChars = "`n" }
$Path = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Path)
$writer = [Xml.XmlWriter]::Create($Path, $settings)
try {
    $writer.WriteStartElement('helpItems', 'http://msh')
    $writer.WriteAttributeString('schema', 'maml')
    foreach ($cmdlet in Get-Command -Module MessageStore -CommandType Cmdlet | Sort-Object Name) {
        $page = Read-Page (Join-Path $pages "$($cmdlet.Name).md")
        $describe = {
            param($name)
            $lines = $page.Items["Parameters/-$name"] ?? $common.Items["/-$name"]
            if (-not $lines) { throw "docs/cmdlets describes no parameter -$name of $($cmdlet.Name)." }
            Get-Paragraph $lines
        }
        $writer.WriteStartElement('command', 'command', $spaces.command)
        $writer.WriteAttributeString('xmlns', 'maml', $null, $spaces.maml)
        $writer.WriteAttributeString('xmlns', 'dev', $null, $spaces.dev)
        $writer.WriteStartElement('command', 'details', $spaces.command)
        $writer.WriteElementString('command', 'name', $spaces.command, $cmdlet.Name)
        $writer.WriteElementString('command', 'verb', $spaces.command, $cmdlet.Verb)
        $writer.WriteElementString('command', 'noun', $spaces.command, $cmdlet.Noun)
        Write-Paragraph $writer 'maml:description' (Get-Paragraph $page.Lead)
        $writer.WriteEndElement()
        Write-Paragraph $writer 'maml:description' (Get-Paragraph $page.Sections['Description'])
        $writer.WriteStartElement('command', 'syntax', $spaces.command)
        $all = [ordered]@{}
        foreach ($set in $cmdlet.ParameterSets | Sort-Object { -not $_.IsDefault }, Name) {
            $writer.WriteStartElement('command', 'syntaxItem', $spaces.command)
            $writer.WriteElementString('maml', 'name', $spaces.maml, $cmdlet.Name)
            $order = { if ($_.Position -ge 0) { $_.Position } else { 1000 } }, { -not $_.IsMandatory }, { $_.Name -in 'WhatIf', 'Confirm' }
            foreach ($parameter in $set.Parameters | Where-Object Name -NotIn $implicit | Sort-Object $order -Stable) {
                Write-Parameter $writer $parameter (& $describe $parameter.Name) $true
                if (-not $all.Contains($parameter.Name)) { $all[$parameter.Name] = $parameter }
            }
            $writer.WriteEndElement()
        }
        $writer.WriteEndElement()
        $writer.WriteStartElement('command', 'parameters', $spaces.command)
        foreach ($name in $all.Keys | Sort-Object) { Write-Parameter $writer $all[$name] (& $describe $name) $false }
        $writer.WriteEndElement()
        $piped = $all.Values | Where-Object { $_.ValueFromPipeline -or $_.ValueFromPipelineByPropertyName } | ForEach-Object { "-$($_.Name)" }
        $inputs = $page.Sections['Inputs'] ?? @('System.Object', "An object with properties for $($piped -join ', ').")
        Write-TypeList $writer 'inputTypes' 'inputType' $(if ($piped) { $inputs } else { 'None' })
        Write-TypeList $writer 'returnValues' 'returnValue' $page.Sections['Outputs']
        $writer.WriteStartElement('command', 'examples', $spaces.command)
        $number = 0
        foreach ($key in $page.Items.Keys | Where-Object { $_.StartsWith('Examples/') }) {
            $number++
            $text = $page.Items[$key] -join "`n"
            if ($text -notmatch '(?s)```powershell\n(.+?)\n```(.*)') { throw "Example '$key' of $($cmdlet.Name) has no code." }
            $code, $remarks = $Matches[1], $Matches[2]
            $writer.WriteStartElement('command', 'example', $spaces.command)
            $writer.WriteElementString('maml', 'title', $spaces.maml, "Example ${number}: $($key.Substring(9))")
            $writer.WriteElementString('dev', 'code', $spaces.dev, $code)
            Write-Paragraph $writer 'dev:remarks' (Get-Paragraph $remarks)
            $writer.WriteEndElement()
        }
        $writer.WriteEndElement()
        $writer.WriteStartElement('command', 'relatedLinks', $spaces.command)
        foreach ($link in ($page.Sections['Related'] -join ' ') -split ',' | ForEach-Object Trim) {
            $writer.WriteStartElement('maml', 'navigationLink', $spaces.maml)
            $writer.WriteElementString('maml', 'linkText', $spaces.maml, $link); $writer.WriteElementString('maml', 'uri', $spaces.maml, '')
            $writer.WriteEndElement()
        }
        $writer.WriteEndElement()
        $writer.WriteEndElement()
    }
    $writer.WriteEndElement()
    $writer.WriteWhitespace("`n")
} finally { $writer.Dispose() }
