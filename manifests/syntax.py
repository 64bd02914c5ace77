"""What the YAML parser says about broken text, said so that the person who wrote it knows what to change."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from manifests.diagnostics import Diagnostic, Related, error
from manifests.document import Text
from manifests.split import Fault, fault, position


class _Saying(NamedTuple):
    problem: str
    """A part of the parser's own words."""
    message: str
    hint: str = ""
    at_start: bool = False
    """Whether the construct's start shows the mistake better than the place where the parser gave up."""
    note: str = "it began here"
    """What the construct's start is called where it is shown besides."""


_TABS = "indent with spaces"
_SAYINGS = (
    _Saying("found a tab character", "tabs cannot be used for indentation", _TABS),
    _Saying(
        "mapping values are not allowed",
        'unexpected ":"',
        'check the indentation, or quote the value if it contains ": "',
    ),
    _Saying("block sequence entries are not allowed", 'unexpected "-"', "put the list on lines of its own"),
    _Saying("found unexpected end of stream", "this quote is never closed", at_start=True),
    _Saying("found unexpected document indicator", "this quote is not closed before ---", at_start=True),
    _Saying("expected ',' or ']'", 'this list needs "," or "]"', 'close every "["'),
    _Saying("expected ',' or '}'", 'this mapping needs "," or "}"', 'close every "{"'),
    _Saying("could not find expected ':'", 'this line has no ":"', 'a field is written "name: value"', at_start=True),
    _Saying(
        "did not find expected key",  # in the words of libyaml
        'this is not a field of the mapping above: "name: value" is expected',
        "check the indentation and the quotes",
    ),
    _Saying("expected <block end>", "this does not belong to what is above", "check the indentation and the quotes"),
    _Saying("did not find expected '-' indicator", "a list item is expected here", "check the indentation"),
    _Saying("found undefined alias", "this alias has no anchor before it", 'quote a value that starts with "*"'),
    _Saying("second occurrence", "this anchor is already in use", "give it another name", note="first used here"),
    _Saying("expected node content", "a value is missing here"),
    _Saying("expected comment or line break", 'unexpected text after "|" or ">"', "start the text on the next line"),
    _Saying(
        "found unknown escape character",
        "unknown escape in double quotes",
        'write "\\\\" for a backslash, or use single quotes',
    ),
    _Saying(
        "found invalid Unicode character escape code",
        "this escape is not a character",
        "YAML has no pairs of \\ud83d\\ude00: write the character itself, or \\U and eight digits",
    ),
    _Saying("found undefined tag handle", "tags are not supported", "remove the tag, or quote the value"),
    _Saying("did not find expected <document start>", "the document has already ended here", "start the next with ---"),
    _Saying("expected a single document", "the document has already ended here", "start the next with ---"),
)
_CANNOT_START = "cannot start any token"


def explain(text: Text, caught: yaml.YAMLError) -> Diagnostic:
    """The diagnostic for a document that is not YAML. Unreadable characters come first: they explain the rest."""
    wrong = fault(text.content)
    if wrong is not None:
        return text_fault(text, wrong)
    problem, mark = getattr(caught, "problem", None), getattr(caught, "problem_mark", None)
    context_mark = getattr(caught, "context_mark", None)
    if problem is None:
        return error("this is not YAML", *text.place(mark), code="syntax")
    saying = _saying(text, problem, mark)
    if saying.at_start and context_mark is not None:
        mark, context_mark = context_mark, None
    source, line = text.place(mark)
    related = _began(text, source.line, context_mark, saying.note)
    return error(saying.message, source, line, hint=saying.hint, related=related, code="syntax")


def text_fault(text: Text, wrong: Fault) -> Diagnostic:
    """The diagnostic for a byte or character that no document may hold."""
    line, column = position(text.content, wrong.offset)
    return error(wrong.message, text.source(line, column), text.line(line), hint=wrong.hint, code=wrong.code)


def _saying(text: Text, problem: str, mark: Any) -> _Saying:
    for saying in _SAYINGS:
        if saying.problem in problem:
            return saying
    if _CANNOT_START in problem:
        character = text.line(mark.line)[mark.column : mark.column + 1]
        if character == "\t":
            return _Saying(problem, "tabs cannot be used for indentation", _TABS)
        return _Saying(problem, f'a value cannot start with "{character}"', "put the value in quotes")
    return _Saying(problem, problem)


def _began(text: Text, line: int, context_mark: Any, note: str) -> tuple[Related, ...]:
    if context_mark is None:
        return ()
    source, snippet = text.place(context_mark)
    return (Related(note, source, snippet),) if source.line != line else ()
