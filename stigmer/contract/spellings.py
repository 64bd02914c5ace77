"""Fields that a manifest may leave out because another field of the same message says what they would."""

from __future__ import annotations

from stigmer.contract.shapes import FieldShape, MessageShape


def stand_ins(shape: MessageShape) -> dict[str, list[FieldShape]]:
    """Names of fields -> the fields that are given instead of them. They exclude each other."""
    found: dict[str, list[FieldShape]] = {}
    for source in shape.artifact_sources:
        rule = shape.by_name[source.rules.artifact_source.into].rules.artifact
        if rule.text_file:
            found.setdefault(rule.text_field, []).append(source)
    return found
