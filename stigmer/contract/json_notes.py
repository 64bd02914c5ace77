"""What editors show of a field while a manifest is written: description, details, default and examples."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from stigmer.contract.explain import FieldEntry
from stigmer.contract.json_rules import Schema

_MARKDOWN = re.compile(r"([\\`*_<\[\]])")


def notes(entry: FieldEntry) -> Schema:
    """The annotations of a field's schema."""
    found: Schema = {}
    if entry.description:
        found["description"] = entry.description
    marks = " · ".join(entry.marks)
    parts = [entry.description, marks, _bullets([*entry.constraints, *entry.rules, *entry.shorthands])]
    if any(parts[1:]):
        found["markdownDescription"] = "\n\n".join(_markdown(part) for part in parts if part)
    if entry.default:
        found["default"] = json.loads(entry.default)
    if entry.examples:
        found["examples"] = list(entry.examples)
    if entry.deprecated:
        found |= {"deprecated": True, "deprecationMessage": f"{entry.name} is deprecated"}
    return found


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
