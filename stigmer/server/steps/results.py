"""TransformResponse of ApplyChanges: one result per change, in the order of the request."""

from __future__ import annotations

from reconciler.actions import Outcome
from reconciler.resource import ResourceKey
from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.errors import StigmerError
from stigmer.server.batch import Effect, Unit
from stigmer.server.steps.references import warning

OUTCOMES = {outcome: pb.ChangeOutcome.Value(f"CHANGE_OUTCOME_{outcome.name}") for outcome in Outcome}

MAX_ERROR_VIOLATIONS = 100
"""The most violations that the error of one change lists."""


MAX_ERROR_BYTES = 12 << 20
"""How much of a response explains failures in full; later ones have their code and a short text, so that the response
of 100,000 failures is still one that clients receive."""

MAX_SHORT_TEXT = 120


def transform_results(unit: Unit) -> None:
    """A refused request reports every failure, has revision 0 and skipped whatever had nothing wrong with it."""
    refused = unit.refused
    committed = unit.revision > 0 and not unit.batch.validate_only
    unit.message = pb.ApplyChangesResponse(
        revision=0 if refused else unit.revision if committed else unit.current,
        committed=committed,
        results=[_result(effect, refused) for effect in unit.effects],
    )
    _explain(unit)


def _explain(unit: Unit) -> None:
    explained = 0
    for effect, result in zip(unit.effects, unit.message.results, strict=True):
        if effect.error is not None:
            result.error.CopyFrom(change_error(effect.error, short=explained > MAX_ERROR_BYTES))
            explained += result.error.ByteSize()


def _result(effect: Effect, refused: bool) -> pb.ChangeResult:
    outcome = effect.outcome
    assert outcome is not None
    if refused and not effect.failed:
        outcome = Outcome.SKIPPED
    result = pb.ChangeResult(key=_key(effect.change.key), outcome=OUTCOMES[outcome])
    stored = effect.after or effect.before
    if stored is not None and outcome.succeeded:
        result.id, result.resource_version = stored.id, stored.state.resource_version
    if effect.missing:
        result.warnings.extend([warning(target) for target in effect.missing])
    if effect.blocked_by is not None:
        result.blocked_by.CopyFrom(_key(effect.blocked_by))
    return result


def change_error(error: StigmerError, *, short: bool) -> pb.ChangeError:
    if short:
        return pb.ChangeError(code=error.code, message=error.message[:MAX_SHORT_TEXT])
    return pb.ChangeError(
        code=error.code,
        message=error.message,
        hint=error.hint,
        violations=[
            pb.FieldViolation(field=each.field, description=each.description, related=each.related)
            for each in error.violations[:MAX_ERROR_VIOLATIONS]
        ],
    )


def _key(key: ResourceKey) -> pb.ResourceKey:
    return pb.ResourceKey(kind=key.kind, org=key.org, slug=key.slug)
