"""MergeResource: what an update changes of the resource that is there.

With an update mask, the named paths are replaced; with an etag alone, everything that a manifest may say. Neither is
refused, so that two editors cannot undo each other without noticing.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from reconciler.actions import Action
from stigmer.backend.v1 import options_pb2
from stigmer.errors import FailedPrecondition, InvalidArgument, StigmerError, Violation
from stigmer.server.batch import Batch, Change, Content, Services, Unit
from stigmer.server.records import Stored, content_of
from stigmer.server.steps.resolve import seal

EVERYTHING = "*"
"""The mask that stands for all fields (AIP-134)."""

_WHOLE = ("metadata.name", "metadata.labels", "metadata.annotations", "metadata.tags", "metadata.protect", "spec")
_GROUPS = {EVERYTHING: _WHOLE, "metadata": _WHOLE[:-1]}
_IDENTITY = ("slug", "org")


def merge_base(batch: Batch) -> None:
    """Merge with the resource as it was read, off the writer."""
    for change in batch.changes:
        if change.error is None and change.merges and change.base is not None:
            try:
                change.content = merge(batch.services, change, change.base)
            except StigmerError as error:
                change.error = error


def merge_current(unit: Unit) -> None:
    """Merge again under the writer where the resource has changed since it was read."""
    for effect in unit.live(Action.UPDATE):
        change, before = effect.change, effect.before
        if not change.merges:
            continue
        assert before is not None
        if change.base is None or change.base.state.resource_version != before.state.resource_version:
            try:
                effect.content = merge(unit.services, change, before)
            except StigmerError as error:
                effect.fail(error)


def merge(services: Services, change: Change, base: Stored) -> Content:
    """The content of `base` with the wanted fields replaced, checked and sealed."""
    kind, wanted = change.kind, change.wanted
    _check_identity(change, base)
    merged = content_of(kind, base)
    for path in change.mask or (EVERYTHING,):
        for part in _GROUPS.get(path, (path,)):
            _replace(kind.descriptor, wanted, merged, part)
    merged.ClearField("status")
    return seal(services.contract, kind, base.org, services.validation.canonical(kind, merged))


def _check_identity(change: Change, base: Stored) -> None:
    """Slug and org in the request say which resource is meant; another value would be a renaming."""
    metadata = change.wanted.metadata
    for name, held in (("slug", base.slug), ("org", base.org)):
        given = getattr(metadata, name)
        if given and given != held:
            raise FailedPrecondition(
                f"{change.kind.singular} {base.slug}: metadata.{name} cannot change",
                violations=[Violation(f"metadata.{name}", f"cannot change from {held} to {given}")],
                reason="IMMUTABLE_FIELD",
            )


def _replace(descriptor: Descriptor, source: Any, target: Any, path: str) -> None:
    """Make the field at `path` in `target` what it is in `source`, also when it is unset there."""
    *parents, leaf = path.split(".")
    for name in parents:
        field = _field(descriptor, name, path)
        if field.message_type is None or field.is_repeated:
            raise _bad_path(path, f"{name} has no fields")
        if _output_only(field):
            return
        source, target, descriptor = getattr(source, name), getattr(target, name), field.message_type
    field = _field(descriptor, leaf, path)
    if _output_only(field) or (leaf in _IDENTITY and parents == ["metadata"]):
        return
    _copy(field, source, target)


def _copy(field: FieldDescriptor, source: Any, target: Any) -> None:
    target.ClearField(field.name)
    if field.is_repeated:
        getattr(target, field.name).MergeFrom(getattr(source, field.name))
    elif field.message_type is not None:
        if source.HasField(field.name):
            getattr(target, field.name).CopyFrom(getattr(source, field.name))
    elif not field.has_presence or source.HasField(field.name):
        setattr(target, field.name, getattr(source, field.name))


def _field(descriptor: Descriptor, name: str, path: str) -> FieldDescriptor:
    field = descriptor.fields_by_name.get(name)
    if field is None:
        raise _bad_path(path, f"{descriptor.name} has no field {name}")
    return field


def _output_only(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.rules].output_only)


def _bad_path(path: str, problem: str) -> InvalidArgument:
    return InvalidArgument(
        f"update_mask path {path}: {problem}",
        violations=[Violation("update_mask", f"{path}: {problem}")],
        hint="write paths as the .proto does, such as spec.description or metadata.labels",
    )
