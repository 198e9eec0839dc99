# What PowerShell completes after boot2docker. Made by: boot2docker completion powershell
Register-ArgumentCompleter -Native -CommandName boot2docker -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $line = $commandAst.ToString()
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    if ($length -gt $line.Length) { $line += ' ' } else { $line = $line.Substring(0, $length) }
    $env:_BOOT2DOCKER_COMPLETE = 'powershell'
    $env:_BOOT2DOCKER_LINE = $line
    try {
        & $commandAst.CommandElements[0].Value 2> $null | ForEach-Object {
            $kind, $value, $meaning = $_ -split "`t", 3
            if (-not $meaning) { $meaning = $value }
            if ($kind -eq 'file' -or $kind -eq 'dir') {
                $files = [System.Management.Automation.CompletionCompleters]
                $files::CompleteFilename($wordToComplete)
            } else {
                $text = $value
                if ($value -match '[\s''"]') { $text = "'" + $value.Replace("'", "''") + "'" }
                $results = 'System.Management.Automation.CompletionResult'
                New-Object $results $text, $value, 'ParameterValue', $meaning
            }
        }
    } finally {
        Remove-Item Env:_BOOT2DOCKER_COMPLETE, Env:_BOOT2DOCKER_LINE
    }
}
