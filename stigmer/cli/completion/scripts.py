"""The scripts that a shell reads once, and how each shell asks and is answered.

The parser's own scripts are the model. Ours let a word go on after a candidate (`agent.spec` before a dot), keep words
that hold blanks or commas whole, and stay silent whatever happens.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import ClassVar

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from stigmer.cli.boundary import COMPLETION_VARIABLE
from stigmer.cli.catalog import PROGRAM
from stigmer.cli.completion.attach import attach

BASH = """\
%(complete_func)s() {
    local IFS=$'\\n'
    local response type value
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            nospace) COMPREPLY+=("$value"); compopt -o nospace ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<< "$response"
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a plain described open response
    (( ! $+commands[%(prog_name)s] )) && return 1
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \
%(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for type key descr in ${response}; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            nospace) open+=("$key") ;;
            plain) [[ "$descr" == "_" ]] && plain+=("$key") || described+=("$key":"$descr") ;;
        esac
    done
    [[ -n "$described" ]] && _describe -V unsorted described -U
    [[ -n "$plain" ]] && compadd -U -V unsorted -a plain
    [[ -n "$open" ]] && compadd -U -S '' -V unsorted -a open
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

FISH = """\
function %(complete_func)s
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) \
COMP_CWORD=(commandline -t) %(prog_name)s 2>/dev/null)
    for completion in $response
        set -l parts (string split --max 1 "," -- $completion)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain nospace
                echo $parts[2]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _Whole(ShellComplete):
    """A shell that completes `--option=value` as one word."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        items = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if equals and option.startswith("--"):
            for item in items:
                item.value = f"{option}={item.value}"
        return items


class Bash(BashComplete):
    """Bash, which breaks words at `=`."""

    source_template: ClassVar[str] = BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(os.environ["COMP_WORDS"])
        at = int(os.environ["COMP_CWORD"])
        incomplete = words[at] if at < len(words) else ""
        return unbroken(words[1:at], incomplete)


class Zsh(_Whole, ZshComplete):
    """Zsh."""

    source_template: ClassVar[str] = ZSH

    def format_completion(self, item: CompletionItem) -> str:
        if item.type != "plain":
            return f"{item.type}\n{item.value}\n_"
        return super().format_completion(item)


class Fish(_Whole, FishComplete):
    """Fish."""

    source_template: ClassVar[str] = FISH


SHELLS: Mapping[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def script(shell: str, program: click.Command) -> str:
    """The script for a shell, by its name in SHELLS."""
    return ShellComplete.source(SHELLS[shell](program, {}, PROGRAM, COMPLETION_VARIABLE))


def answer(program: click.Command, instruction: str, settings: object) -> str:
    """What a shell is answered: one candidate after the other in its form. `instruction` is what its script asks with
    (`bash_complete`), or asks for the script itself (`bash_source`); `settings` receives what the options of the line
    say."""
    name, _, wanted = instruction.partition("_")
    shell = SHELLS.get(name)
    if shell is None:
        return ""
    if wanted == "source":
        return script(name, program)
    attach(program)
    return shell(program, {"obj": settings}, PROGRAM, COMPLETION_VARIABLE).complete()


def unbroken(words: Sequence[str], incomplete: str) -> tuple[list[str], str]:
    """Words that were broken at `=` put together, and the word to complete: behind an option's `=`, its value."""
    whole: list[str] = []
    broken = False
    for word in words:
        if (broken or word == "=") and whole:
            whole[-1] += word
        else:
            whole.append(word)
        broken = word == "="
    if incomplete == "=":
        return whole, ""
    if broken and whole:
        last = whole.pop()
        option = last.removesuffix("=")
        return ([*whole, option], incomplete) if option.startswith("-") else (whole, last + incomplete)
    return whole, incomplete
