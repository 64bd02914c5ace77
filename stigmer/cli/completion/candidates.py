"""What a parameter may be given: kinds, names of live resources, paths of fields, formats, settings, files.

Which of these it is, the metavar says: `KIND [SLUG...] | KIND/SLUG...`, `PATH`, `table|json`. So a new command is
completed like the others as long as its help calls things by the same names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from stigmer.cli.application import Invocation
from stigmer.cli.plaintext import clean
from stigmer.errors import StigmerError

if TYPE_CHECKING:
    from stigmer.contract import Kind, Kinds

NO_SPACE = "nospace"
"""Type of a candidate after which more may follow in the same word; the scripts know it."""

HELP_LENGTH = 72
"""Characters of the text beside a candidate."""

_CHOICES = re.compile(r"[a-z]+(=[A-Z]+)?(\|[a-z]+(=[A-Z]+)?)*")
_WORD = re.compile(r"(?<![A-Z=@])[A-Z]+(?![A-Z=-])")
"""What a metavar names; not the parts of KEY=VALUE, nor @FILE, which is no path by itself."""

_FILES = {"PATH": "file", "FILE": "file", "DIR": "dir"}

Items = list[CompletionItem]


def candidates(parameter: click.Parameter, context: click.Context, incomplete: str) -> Items | None:
    """The candidates that begin with `incomplete`; None where the parser's own are as good."""
    metavar = parameter.metavar or (parameter.name or "").upper()
    if _CHOICES.fullmatch(metavar):
        words = (re.sub(r"[A-Z]+$", "", word) for word in metavar.split("|"))
        return [_item(word) for word in words if word.startswith(incomplete)]
    named = set(_WORD.findall(metavar))
    for word, complete in _COMPLETERS.items():
        if word in named:
            return complete(parameter, context, incomplete)
    for word, kind in _FILES.items():
        if word in named:
            return [CompletionItem(incomplete, type=kind)]
    return None


def _resources(parameter: click.Parameter, context: click.Context, incomplete: str) -> Items:
    """Kinds, then names; or KIND/SLUG, which all words have or none."""
    from stigmer.contract import default_contract

    kinds = default_contract().kinds
    if "PATH" in _WORD.findall(parameter.metavar or ""):
        return _fields(kinds, incomplete)
    earlier = [str(word) for word in _earlier(parameter, context)]
    takes_names = "SLUG" in (parameter.metavar or "")
    if takes_names and "/" in incomplete:
        word = incomplete.partition("/")[0]
        slug = incomplete.removeprefix(f"{word}/")
        return [_item(f"{word}/{name}", text) for name, text in _names(kinds, word, slug, context)]
    if not earlier:
        return _kinds(kinds, incomplete)
    if not takes_names:
        return []
    if "/" in earlier[0]:
        return [CompletionItem(f"{item.value}/", NO_SPACE, item.help) for item in _kinds(kinds, incomplete)]
    found = _names(kinds, earlier[0], incomplete, context)
    return [_item(name, text) for name, text in found if name not in earlier[1:]]


def _slugs(parameter: click.Parameter, context: click.Context, incomplete: str) -> Items:
    """Names of the kind that the option or the group of commands is called after."""
    from stigmer.contract import default_contract

    kinds = default_contract().kinds
    if isinstance(parameter, click.Option):
        word = max(parameter.opts, key=len).lstrip("-")
    else:
        word = (context.parent.info_name if context.parent else "") or ""
    earlier = {str(word) for word in _earlier(parameter, context)}
    found = _names(kinds, word, incomplete, context)
    return [_item(name, text) for name, text in found if name not in earlier]


def _settings(parameter: click.Parameter, context: click.Context, incomplete: str) -> Items:  # noqa: ARG001 -- alike
    from stigmer.backend.settings import SETTINGS

    return [_item(setting.key, setting.summary) for setting in SETTINGS if setting.key.startswith(incomplete)]


def _setting_values(parameter: click.Parameter, context: click.Context, incomplete: str) -> Items:  # noqa: ARG001
    from stigmer.backend.settings import BY_KEY

    setting = BY_KEY.get(str(context.params.get("key")))
    return [_item(choice) for choice in setting.choices if choice.startswith(incomplete)] if setting else []


_COMPLETERS: dict[str, Callable[[click.Parameter, click.Context, str], Items]] = {
    "KIND": _resources,
    "SLUG": _slugs,
    "KEY": _settings,
    "VALUE": _setting_values,
}


def _kinds(kinds: Kinds, incomplete: str) -> Items:
    """Plurals; as soon as something is typed, every word that begins like it. A list after commas goes on."""
    before, comma, start = incomplete.rpartition(",")
    words = [(word, kind) for kind in kinds.values() for word in kind.words]
    chosen = [(word, kind) for word, kind in words if word.startswith(start.lower()) and (start or word == kind.plural)]
    return [_item(f"{before}{comma}{word}", _summary(kind)) for word, kind in chosen]


def _fields(kinds: Kinds, incomplete: str) -> Items:
    """Paths of fields: `agent.spec.mcpServers`."""
    from stigmer.contract.explain import default_explainer

    word, dot, path = incomplete.partition(".")
    if not dot:
        return [CompletionItem(item.value, NO_SPACE, item.help) for item in _kinds(kinds, incomplete)]
    explainer = default_explainer()
    above, _, start = path.rpartition(".")
    try:
        entry = explainer.resolve(kinds.find(word), above)
    except StigmerError:
        return []
    head = incomplete.removesuffix(start)
    return [
        CompletionItem(f"{head}{child.name}", NO_SPACE if child.has_fields else "plain", _help(child.description))
        for child in explainer.children(entry)
        if child.name.startswith(start)
    ]


def _names(kinds: Kinds, word: str, start: str, context: click.Context) -> Iterable[tuple[str, str]]:
    """Slugs of live resources with their display names; none for a word that is no kind."""
    from stigmer.cli.completion.live import live_names

    invocation = context.find_object(Invocation)
    try:
        kind = kinds.find(word)
    except StigmerError:
        return ()
    return live_names(invocation, kind, start) if invocation is not None else ()


def _earlier(parameter: click.Parameter, context: click.Context) -> tuple[object, ...]:
    """What stands on the line already for a parameter that takes several values."""
    value = context.params.get(parameter.name or "")
    return value if isinstance(value, tuple) else ()


def _summary(kind: Kind) -> str:
    from stigmer.contract.explain import default_explainer

    return default_explainer().kind(kind).description


def _item(value: str, text: str = "") -> CompletionItem:
    return CompletionItem(clean(value), NO_SPACE if value.endswith("=") else "plain", _help(text))


def _help(text: str) -> str | None:
    """The first sentence, cut to what a line has room for."""
    sentence = clean(text.partition(". ")[0].removesuffix("."))
    return (sentence if len(sentence) <= HELP_LENGTH else f"{sentence[: HELP_LENGTH - 1].rstrip()}…") or None
