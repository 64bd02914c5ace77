"""Artifacts that resources refer to, found through the fields' options, and the spellings that only manifests have.

A manifest may give the files themselves (a folder, an archive) where the resource names an artifact. The client
resolves that while it binds: the digest takes the place of the files, and what makes the archive's bytes is kept beside
the message for whoever stores it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from stigmer.backend.v1 import options_pb2
from stigmer.contract.archive import Archive, artifact_digest
from stigmer.contract.archive_directory import entries
from stigmer.contract.context import Context, ExternalSource, Path
from stigmer.contract.paths import item_suffix, join
from stigmer.contract.shapes import FieldShape, MessageShape
from stigmer.contract.unpack import inspect, read
from stigmer.errors import FailedPrecondition, InvalidArgument


@dataclass(frozen=True, slots=True)
class ArtifactUse:
    """One field that names an artifact: its path, and what the artifact must be. The archive's file `text_file` must
    have the text whose SHA-256 is `text_digest`, which stands in the field at `text_path`; without one, `text_file` is
    empty."""

    path: str
    digest: str
    media_type: str
    text_file: str = ""
    text_path: str = ""
    text_digest: bytes = b""


def artifacts(shape: MessageShape, message: Message) -> list[ArtifactUse]:
    """Every artifact that a message names, in field order."""
    return list(_walk(shape, message, ""))


def is_artifact(field: FieldShape) -> bool:
    return bool(field.rules.HasField("artifact"))


def _walk(shape: MessageShape, message: Any, path: str) -> Iterator[ArtifactUse]:
    for field in shape.leading_to(is_artifact):
        value = getattr(message, field.name)
        at = join(path, field.key)
        if is_artifact(field):
            if value:
                yield _use(shape, message, field, path)
        elif field.map:
            for key in sorted(value):
                yield from _walk(field.nested, value[key], join(at, key))
        elif field.repeated:
            for index, item in enumerate(value):
                yield from _walk(field.nested, item, at + item_suffix(field, item, index))
        elif message.HasField(field.name):
            yield from _walk(field.nested, value, at)


def _use(shape: MessageShape, message: Any, field: FieldShape, path: str) -> ArtifactUse:
    rule = field.rules.artifact
    at, digest = join(path, field.key), getattr(message, field.name)
    if not rule.text_file:
        return ArtifactUse(at, digest, rule.media_type)
    text = getattr(message, rule.text_field).encode()
    text_path = join(path, shape.by_name[rule.text_field].key)
    return ArtifactUse(at, digest, rule.media_type, rule.text_file, text_path, hashlib.sha256(text).digest())


@dataclass(frozen=True, slots=True)
class FileFields:
    """How the spec of a kind names its files: the manifest's keys of the artifact, of the text of its `text_file`, and
    of the folder and the archive that may stand for both."""

    artifact: str
    text: str
    text_file: str
    folder: str
    archive: str


def file_fields(shape: MessageShape) -> FileFields | None:
    """The fields of a kind whose resources are files too; None for others."""
    spec = shape.by_name["spec"].nested
    target = next((field for field in spec.fields if is_artifact(field)), None)
    if target is None or not target.rules.artifact.text_file:
        return None
    rule = target.rules.artifact
    keys = {source.rules.artifact_source.form: source.key for source in spec.artifact_sources}
    return FileFields(
        target.key,
        spec.by_name[rule.text_field].key,
        rule.text_file,
        keys[options_pb2.ARTIFACT_FORM_FOLDER],
        keys[options_pb2.ARTIFACT_FORM_ARCHIVE],
    )


def resolve_artifacts(shape: MessageShape, kwargs: dict[str, Any], path: Path, context: Context) -> None:
    """Replace the spellings of artifacts that only manifests have by what a resource stores."""
    for source in shape.artifact_sources:
        if source.name in kwargs:
            _resolve(shape, source, kwargs, (*path, source.key), context)


def _resolve(shape: MessageShape, source: FieldShape, kwargs: dict[str, Any], at: Path, context: Context) -> None:
    value: str | bytes | ExternalSource = kwargs.pop(source.name)
    target = shape.by_name[source.rules.artifact_source.into]
    rule = target.rules.artifact
    text_field = shape.by_name[rule.text_field] if rule.text_file else None
    if target.name in kwargs:  # that they exclude each other has been said
        return
    if text_field is not None and text_field.name in kwargs:
        context.error(at, f'"{source.key}" and "{text_field.key}" exclude each other: give one of them')
        return
    place = ExternalSource("folder", value, at) if isinstance(value, str) else value
    data = context.archive(place) if isinstance(place, ExternalSource) else place
    if data is None:
        return
    try:
        if not _is_folder(source):
            inspect(data)
        if text_field is not None:
            kwargs[text_field.name] = _text(data, rule.text_file)
    except InvalidArgument as error:
        context.error(at, error.message, error.hint)
        return
    digest = kwargs[target.name] = artifact_digest(data)
    context.archives.append(Archive(digest, len(data), rule.media_type, lambda: _again(place, digest, context)))


def _is_folder(source: FieldShape) -> bool:
    return bool(source.rules.artifact_source.form == options_pb2.ARTIFACT_FORM_FOLDER)


def _text(data: bytes, name: str) -> str:
    """The text of a file at the top of an archive."""
    content = read(data, name)
    if content is None:
        near = next((each.path for each in entries(data) if each.path.casefold() == name.casefold()), "")
        raise InvalidArgument(f"there is no {name} at the top", hint=f"rename {near}" if near else "")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise InvalidArgument(f"{name} is not UTF-8 text") from None
    if not text or "\0" in text:
        raise InvalidArgument(f"{name} is empty" if not text else f"{name} has a NUL character")
    return text


def _again(place: bytes | ExternalSource, digest: str, context: Context) -> bytes:
    """The archive's bytes once more. FailedPrecondition when it is another one by now."""
    if isinstance(place, bytes):
        return place
    data = context.archive(place)
    if data is None or artifact_digest(data) != digest:
        raise FailedPrecondition(
            f"{place.name} changed while it was being applied", hint="run the command again", reason="FOLDER_CHANGED"
        )
    return data
