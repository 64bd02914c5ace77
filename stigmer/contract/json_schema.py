"""JSON Schema of manifests, made from the registry: what editors complete, check and explain while one is written.

One schema covers a document of any kind: what it holds besides the envelope follows from its `kind`. The schema accepts
what the loader accepts in every spelling it knows. It may be looser: references, names inside the document, expressions
and secrets need more than one value to judge, and are left to `stigmer validate`.
"""

from __future__ import annotations

from stigmer.contract.explain import ENVELOPE, Explainer
from stigmer.contract.json_messages import READ_ONLY, MessageSchemas
from stigmer.contract.json_rules import Schema, literally, present, refused_unless
from stigmer.contract.kinds import Kind
from stigmer.contract.shapes import MessageShape

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SLUG_PATTERN = "^(?:[a-z0-9]+(?:-[a-z0-9]+)*)?$"
"""The slugs that `stigmer.contract.slug.is_slug` takes, or the empty text, which stands for none."""

NAMELESS = "metadata.name is missing"


def manifest_schema(explainer: Explainer, kind: Kind | None = None) -> Schema:
    """The schema of one document: of any kind, or of `kind` alone."""
    writer = _Writer(explainer)
    return writer.of_kind(kind) if kind is not None else writer.of_any()


class _Writer:
    """Writes one schema."""

    def __init__(self, explainer: Explainer) -> None:
        self._kinds = list(explainer.contract.kinds.values())
        self._comments = explainer.comments
        self._messages = MessageSchemas(explainer)

    def of_any(self) -> Schema:
        versions = sorted({kind.api_version for kind in self._kinds})
        return self._document(
            "stigmer manifest",
            "One document of a stigmer manifest.",
            api_version={"type": "string", "enum": versions},
            kind={
                "type": "string",
                "enum": [kind.name for kind in self._kinds],
                "markdownEnumDescriptions": [self._comment(kind) for kind in self._kinds],
            },
            more=[self._branch(kind) for kind in self._kinds],
        )

    def of_kind(self, kind: Kind) -> Schema:
        body = self._body(kind)
        schema = self._document(
            kind.name,
            self._comment(kind),
            api_version={"type": "string", "const": kind.api_version},
            kind={"type": "string", "const": kind.name},
            more=[],
        )
        schema["properties"] |= body["properties"]
        schema["required"] += body.get("required", [])
        return schema

    def _document(
        self, title: str, description: str, *, api_version: Schema, kind: Schema, more: list[Schema]
    ) -> Schema:
        properties: Schema = {
            "apiVersion": api_version | {"description": ENVELOPE["apiVersion"]},
            "kind": kind | {"description": ENVELOPE["kind"]},
            "metadata": self._metadata(),
            "spec": {"properties": {}, "description": ENVELOPE["spec"]},
            "status": {"description": ENVELOPE["status"], **READ_ONLY},
        }
        version = {"if": {"not": {"required": ["api_version"]}}, "then": {"required": ["apiVersion"]}}
        return {
            "$schema": DIALECT,
            "title": title,
            "description": description,
            "type": "object",
            "properties": properties,
            "patternProperties": {"^api_version$": {"$ref": "#/properties/apiVersion"}},
            "additionalProperties": False,
            "required": ["kind", "metadata"],
            "allOf": [version, *more],
            "$defs": dict(sorted(self._messages.definitions.items())),
        }

    def _branch(self, kind: Kind) -> Schema:
        """What a document of the kind holds. The kind is told by a pattern: editors that complete take a const for met
        while only its beginning stands there, and Agent is the beginning of AgentInstance."""
        chosen = {
            "properties": {"kind": {"type": "string", "pattern": f"^{literally(kind.name)}$"}},
            "required": ["kind"],
        }
        return {"if": chosen, "then": self._body(kind)}

    def _body(self, kind: Kind) -> Schema:
        spec = kind.shape.by_name["spec"].nested
        needed = self._messages.empty_is_refused(spec)
        below: Schema = {
            "apiVersion": {"const": kind.api_version},
            "metadata": {"properties": {"slug": {"maxLength": kind.max_slug_length}}},
            "spec": self._messages.reference(spec, null=not needed),
        }
        return {"properties": below, "required": ["spec"]} if needed else {"properties": below}

    def _metadata(self) -> Schema:
        """The definition of metadata with what makes a resource's identity."""
        shape: MessageShape = self._kinds[0].shape.by_name["metadata"].nested
        reference = self._messages.reference(shape, null=False)
        definition = self._messages.definitions[shape.descriptor.name]
        for name in ("slug", "org"):
            definition["properties"][name]["pattern"] = SLUG_PATTERN
        named = [present(shape.by_name[name], filled=True) for name in ("name", "slug")]
        definition.setdefault("allOf", []).append(refused_unless({"anyOf": named}, NAMELESS))
        return reference | {"description": ENVELOPE["metadata"]}

    def _comment(self, kind: Kind) -> str:
        return self._comments.of(kind.descriptor.full_name)
