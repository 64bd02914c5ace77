"""Pages of the kinds: what a manifest may say, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from manifests import Manifest, parse
from reference.markdown import code, fenced, link, page, prose, table
from reference.sources import ROOT
from stigmer.contract import Kind
from stigmer.contract.explain import Explainer, FieldEntry

EXAMPLES = ROOT / "examples"
METADATA = "metadata"
"""The field whose message all kinds share; it has a page of its own."""

HEADERS = ["Field", "Type", "", "Description"]


def pages(explainer: Explainer) -> dict[str, str]:
    """Every page by its path below the reference."""
    kinds = list(explainer.contract.kinds.values())
    found = {"kinds/README.md": _index(explainer, kinds), f"kinds/{METADATA}.md": _metadata(explainer, kinds[0])}
    return found | {f"kinds/{kind.singular}.md": _page(explainer, kind) for kind in kinds}


def field_rows(entries: Iterator[FieldEntry]) -> Iterator[list[str]]:
    """Rows under HEADERS, one for each field."""
    for entry in entries:
        yield [code(entry.path), code(entry.type), ", ".join(entry.marks), description(entry)]


def description(entry: FieldEntry) -> str:
    """Everything that is said of a field beside its type and marks, a line for each sort of thing."""
    lines = [prose(" ".join(entry.description.split()))]
    lines.append(prose("; ".join(entry.shorthands)))
    lines += [prose("; ".join(entry.constraints)), rules(entry.rules)]
    if entry.choices:
        lines.append(f"One of {', '.join(code(choice.text) for choice in entry.choices)}.")
    if entry.default:
        lines.append(f"Default: {code(entry.default)}.")
    if entry.examples:
        lines.append(f"Such as {', '.join(code(str(example)) for example in entry.examples)}.")
    return "\n".join(filter(None, lines))


def rules(texts: Iterable[str]) -> str:
    """What fields say together."""
    return prose(f"Rules: {'; '.join(texts)}") if texts else ""


def _index(explainer: Explainer, kinds: list[Kind]) -> str:
    rows = [
        [
            link(kind.name, f"{kind.singular}.md"),
            prose(explainer.kind(kind).description),
            ", ".join(code(word) for word in kind.words),
            code(f"{kind.id_prefix}-..."),
            ", ".join(link(name, f"{explainer.contract.kinds[name].singular}.md") for name in sorted(kind.targets))
            or "-",
        ]
        for kind in kinds
    ]
    return page(
        "Kinds",
        f"In the order in which an apply creates them. All of them have {link('metadata', f'{METADATA}.md')}.",
        table(["Kind", "", "Words on the command line", "Ids", "Refers to"], rows),
    )


def _metadata(explainer: Explainer, kind: Kind) -> str:
    entry = explainer.resolve(kind, METADATA)
    fields = (field for _, field in explainer.walk(entry))
    return page("Metadata", prose(entry.description), table(HEADERS, field_rows(fields)))


def _page(explainer: Explainer, kind: Kind) -> str:
    root = explainer.kind(kind)
    facts = [
        ["`apiVersion`", code(kind.api_version)],
        ["`kind`", code(kind.name)],
        ["Words on the command line", ", ".join(code(word) for word in kind.words)],
        ["Ids", code(f"{kind.id_prefix}-...")],
        ["Longest slug", f"{kind.max_slug_length} characters"],
    ]
    if kind.default_instance_kind:
        made = explainer.contract.kinds[kind.default_instance_kind]
        facts.append(["Default instance", link(made.name, f"{made.singular}.md")])
    return page(
        kind.name, prose(root.description), table(["", ""], facts), *_example(kind), *_sections(explainer, root)
    )


def _sections(explainer: Explainer, root: FieldEntry) -> Iterator[str]:
    for entry in explainer.children(root):
        if entry.name == METADATA:
            yield f"## {entry.name}"
            yield f"{prose(entry.description)} See {link(METADATA, f'{METADATA}.md')}."
        elif entry.has_fields:
            yield f"## {entry.name}"
            yield description(entry).replace("\n", "\n\n")
            yield table(HEADERS, field_rows(field for _, field in explainer.walk(entry)))


def _example(kind: Kind) -> Iterator[str]:
    found = [manifest for manifest in _examples() if manifest.value.get("kind") == kind.name]
    if found:
        smallest = min(found, key=lambda manifest: (len(_content(manifest)), manifest.source.path))
        path = smallest.source.path
        yield f"From {link(path, f'../../../{path}')}:"
        yield fenced(_content(smallest), "yaml")


@cache
def _examples() -> list[Manifest]:
    paths = sorted(path.relative_to(ROOT) for suffix in ("*.yaml", "*.yml") for path in EXAMPLES.rglob(suffix))
    return [manifest for path in paths for manifest in parse((ROOT / path).read_bytes(), path.as_posix()).documents]


def _content(manifest: Manifest) -> str:
    return manifest.text.content.decode().strip().removeprefix("---").strip()
