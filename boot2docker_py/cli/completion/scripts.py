"""The scripts that make shells ask us. Each is small, and works with what its shell always has."""

from __future__ import annotations

from typing import Mapping

_BASH = """\
# What bash completes after boot2docker. Made by: boot2docker completion bash
_boot2docker_completion() {
    local kind value _meaning
    COMPREPLY=()
    while IFS=$'\\t' read -r kind value _meaning; do
        case "$kind" in
            file) compopt -o default 2> /dev/null ;;
            dir) compopt -o dirnames 2> /dev/null ;;
            part) compopt -o nospace 2> /dev/null; COMPREPLY+=("$value") ;;
            word) printf -v value %q "$value"; COMPREPLY+=("$value") ;;
        esac
    done < <(_BOOT2DOCKER_COMPLETE=bash _BOOT2DOCKER_LINE="${COMP_LINE:0:$COMP_POINT}" \\
        "$1" 2> /dev/null)
}
complete -o nosort -F _boot2docker_completion boot2docker 2> /dev/null ||
    complete -F _boot2docker_completion boot2docker
"""

_ZSH = """\
#compdef boot2docker
# What zsh completes after boot2docker. Made by: boot2docker completion zsh
_boot2docker() {
    local line kind value meaning
    local -a words_with_meaning parts
    for line in "${(@f)$(_BOOT2DOCKER_COMPLETE=zsh _BOOT2DOCKER_WORDS="${(F)words[1,CURRENT]}" \\
        "${words[1]}" 2> /dev/null)}"; do
        kind="${line%%$'\\t'*}" value="${${line#*$'\\t'}%%$'\\t'*}" meaning="${line##*$'\\t'}"
        case "$kind" in
            file) _files ;;
            dir) _path_files -/ ;;
            part) parts+=("$value") ;;
            word) words_with_meaning+=("${value//:/\\\\:}${meaning:+:$meaning}") ;;
        esac
    done
    (( $#parts )) && compadd -U -S '' -- $parts
    (( $#words_with_meaning )) && _describe -V boot2docker words_with_meaning
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _boot2docker "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _boot2docker boot2docker
fi
"""

_FISH = """\
# What fish completes after boot2docker. Made by: boot2docker completion fish
function _boot2docker_completion
    set -l typed (commandline -opc) (commandline -ct)
    set -l asked (string join -- \\n $typed | string collect)
    for line in (env _BOOT2DOCKER_COMPLETE=fish _BOOT2DOCKER_WORDS="$asked" $typed[1] 2> /dev/null)
        set -l answer (string split -- \\t $line)
        switch $answer[1]
            case file
                __fish_complete_path $answer[2]
            case dir
                __fish_complete_directories $answer[2]
            case part word
                printf '%s\\t%s\\n' $answer[2] $answer[3]
        end
    end
end
complete --no-files --command boot2docker --arguments '(_boot2docker_completion)'
"""

_POWERSHELL = """\
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
                if ($value -match '[\\s''"]') { $text = "'" + $value.Replace("'", "''") + "'" }
                $results = 'System.Management.Automation.CompletionResult'
                New-Object $results $text, $value, 'ParameterValue', $meaning
            }
        }
    } finally {
        Remove-Item Env:_BOOT2DOCKER_COMPLETE, Env:_BOOT2DOCKER_LINE
    }
}
"""

SCRIPTS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}
