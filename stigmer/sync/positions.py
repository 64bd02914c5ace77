"""Where a field path of a resource stands in its manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from manifests import Diagnostic, Manifest, Related, Severity, Source
from reconciler import path as field_path
from stigmer.contract import Kind
from stigmer.contract.secrecy import SecretFields, masked, secret_texts

Segments = tuple[field_path.Segment, ...]


def diagnose(
    manifest: Manifest,
    kind: Kind | None,
    path: str | Segments,
    message: str,
    *,
    hidden: SecretFields,
    hint: str = "",
    at_key: bool = False,
    related: Sequence[tuple[str, str]] = (),
    severity: Severity = Severity.ERROR,
    code: str = "invalid-field",
) -> Diagnostic:
    """A diagnostic at a field of a manifest. `related` are (path, message) of other fields that take part. Values of
    `hidden` fields appear in no text that is quoted."""
    secrets = secret_texts(hidden, manifest.value)

    def quoted(source: Source) -> str:
        return masked(manifest.snippet(source), secrets)

    source = locate(manifest, kind, path, at_key=at_key)
    notes = tuple(Related(text, at, quoted(at)) for other, text in related for at in [locate(manifest, kind, other)])
    where = path if isinstance(path, str) else field_path.format(path)
    full = message if where in message or not where else f"{where}: {message}"
    return Diagnostic(severity, full, source, quoted(source), hint=hint, related=notes, code=code)


def locate(manifest: Manifest, kind: Kind | None, path: str | Segments, *, at_key: bool = False) -> Source:
    """The source of a field, or of its nearest ancestor that is written down."""
    segments = field_path.parse(path) if isinstance(path, str) else path
    return manifest.locate(_plain(manifest.value, as_written(manifest, kind, segments)), key=at_key)


def as_written(manifest: Manifest, kind: Kind | None, segments: Segments) -> Segments:
    """The path in the spelling that the manifest has; as it is where nothing of it is written down."""
    return next((found for found in _spellings(kind, segments) if _exists(manifest.value, found)), segments)


def is_written(manifest: Manifest, kind: Kind | None, path: str) -> bool:
    """Whether a field stands in its manifest, in whatever spelling."""
    value: Any = manifest.value
    for segment in next((s for s in _spellings(kind, field_path.parse(path)) if _exists(manifest.value, s)), ()):
        value = _child(value, segment)
        if value is None:
            return False
    return value is not manifest.value


def _spellings(kind: Kind | None, segments: Segments) -> Iterator[Segments]:
    """The path, and the same value by the second spellings that stand for the first: data.X.value, variables.X; the
    artifact or its text, the folder that both come from."""
    yield segments
    spec = kind.shape.by_name["spec"].message if kind is not None else None
    if spec is None or len(segments) < 2 or segments[0] != "spec":
        return
    for field in spec.fields:
        if field.rules.HasField("fold") and field.rules.fold.into == segments[1] and len(segments) > 2:
            yield ("spec", field.key, segments[2])
        if field.rules.HasField("artifact_source"):
            target = spec.by_name[field.rules.artifact_source.into]
            if segments[1] in (target.key, spec.by_name[target.rules.artifact.text_field].key):
                yield ("spec", field.key)


def _exists(value: Any, segments: Segments) -> bool:
    """Whether the first three segments, where spellings differ, are written down."""
    for segment in segments[:3]:
        value = _child(value, segment)
        if value is None:
            return False
    return True


def _plain(value: Any, segments: Segments) -> list[str | int | tuple[str, str]]:
    """Segments as the loader takes them: a set's member becomes its index in the written list."""
    plain: list[str | int | tuple[str, str]] = []
    for segment in segments:
        if isinstance(segment, field_path.Member):
            members = value if isinstance(value, list) else []
            if segment.value not in members:
                break
            plain.append(members.index(segment.value))
        elif isinstance(segment, field_path.Item):
            plain.append((segment.key, segment.value))
        else:
            plain.append(segment)
        value = _child(value, segment)
    return plain


def _child(value: Any, segment: field_path.Segment) -> Any:
    if isinstance(segment, field_path.Item):
        items = value if isinstance(value, list) else []
        return next((item for item in items if isinstance(item, dict) and item.get(segment.key) == segment.value), None)
    if isinstance(segment, field_path.Member):
        return segment.value if isinstance(value, list) and segment.value in value else None
    if isinstance(segment, int):
        return value[segment] if isinstance(value, list) and segment < len(value) else None
    if not isinstance(value, Mapping):
        return None
    if segment in value:
        return value[segment]
    wanted = segment.replace("_", "").lower()
    return next((item for key, item in value.items() if key.replace("_", "").lower() == wanted), None)
