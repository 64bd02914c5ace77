"""A valid spec of every kind: from a small table where constraints ask for more than a word in every text field."""

from __future__ import annotations

from typing import Any

from stigmer.backend.v1 import options_pb2
from stigmer.contract import Kind

SPECS: dict[str, dict[str, Any]] = {
    "Environment": {"data": {"REGION": {"value": "eu"}}},
    "McpServer": {"stdio": {"command": "npx", "args": ["-y", "server"]}},
    "Skill": {"skill_md": "# Refunds\n"},
    "Agent": {"instructions": "Answer politely and briefly.", "config": {"model": "m", "temperature": "0.7"}},
    "Workflow": {
        "tasks": [{"name": "plan", "agent": "planner"}, {"name": "act", "depends_on": ["plan"], "agent": "a"}]
    },
}
"""A valid spec of each kind whose constraints a word in every text field does not meet."""


def filled(kind: Kind) -> dict[str, Any]:
    """A word in every text field that is no reference."""
    fields = kind.descriptor.fields_by_name["spec"].message_type.fields
    return {
        each.name: "word"
        for each in fields
        if each.type == each.TYPE_STRING
        and not each.is_repeated
        and not each.GetOptions().Extensions[options_pb2.rules].HasField("reference")
    }


def required_references(kind: Kind) -> list[tuple[str, str]]:
    found = []
    for each in kind.descriptor.fields_by_name["spec"].message_type.fields:
        reference = each.GetOptions().Extensions[options_pb2.rules].reference
        if reference.required and not each.is_repeated:
            found.append((each.name, reference.kind))
    return found
