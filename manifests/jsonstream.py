"""Streams of JSON objects without markers between them, as `jq` and other programs write them.

Between `split`, which cuts at YAML's markers, and the reading of one document. Only what is surely such a stream is
cut: the text starts with an object that JSON accepts, and each further one starts a line after a line that ends
another. Inside a JSON document no line can start with `{` right after one that ends with `}`: a comma would be missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from manifests.split import Chunk

_STARTS = re.compile(rb"(?:---)?[ \t\r\n]*\{")
_BOUNDARY = re.compile(rb"\}[ \t]*\r?\n(?:[ \t]*\r?\n)*(?=[ \t]*\{)")


def json_parts(data: bytes, chunk: Chunk, most: int) -> Iterable[Chunk]:
    """The documents of a stream of JSON objects; the chunk itself if it is anything else, or starts with an object of
    more than `most` bytes."""
    if not _STARTS.match(data, chunk.start, chunk.end):
        return (chunk,)
    boundary = _BOUNDARY.search(data, chunk.start, chunk.end)
    if boundary is None or boundary.end() - chunk.start > most or not _is_object(data[chunk.start : boundary.end()]):
        return (chunk,)
    return _cut(data, chunk)


def _cut(data: bytes, chunk: Chunk) -> Iterator[Chunk]:
    start, line = chunk.start, chunk.line
    for boundary in _BOUNDARY.finditer(data, chunk.start, chunk.end):
        yield Chunk(start, boundary.end(), line)
        line += data.count(b"\n", start, boundary.end())
        start = boundary.end()
    yield Chunk(start, chunk.end, line)


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text.removeprefix(b"---")), dict)
    except (ValueError, RecursionError):
        return False
