"""TransformResponse and SendResponse of the typed verbs: the resource as clients see it, and its bytes.

Conditions are computed here and stored nowhere. No secret is stored yet, so that none needs masking.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stigmer.contract import Kind
from stigmer.server.batch import Target, Unit
from stigmer.server.records import Stored, content_of, server_fields
from stigmer.server.steps.references import add_conditions


def transform_response(unit: Unit) -> None:
    """The resource as it is from now on; for a deletion, as it was; empty when there was none to delete."""
    (effect,) = unit.effects
    if effect.failed:
        return
    kind = effect.change.kind
    if effect.after is not None:
        unit.message = render(kind, effect.after, effect.missing)
    elif effect.before is not None:
        unit.message = render_gone(kind, effect.before)
    else:
        unit.message = kind.message_class()


def render(kind: Kind, stored: Stored, missing: Iterable[Target]) -> Any:
    """The whole resource: content, what the server sets, and conditions."""
    message = render_gone(kind, stored)
    add_conditions(kind, message, missing)
    return message


def render_gone(kind: Kind, stored: Stored) -> Any:
    """A resource that is no longer there: without conditions, which are about the present."""
    message = content_of(kind, stored)
    message.MergeFrom(server_fields(kind, stored))
    return message


def send_response(unit: Unit) -> None:
    if unit.message is not None:
        unit.response = unit.message.SerializeToString()
