"""From text to message to text and back, for every kind: what is rendered loads as the same resource."""

from __future__ import annotations

from typing import Any

from manifests import parse, render
from stigmer.contract import Contract


def test_loading_rendering_and_loading_again_is_the_identity(contract: Contract, sample: dict[str, Any]) -> None:
    first = read(contract, render([sample]))
    text = render([contract.codec.manifest(first.kind, with_org(first))])
    second = read(contract, text)
    assert second.message == first.message
    assert (second.org, second.slug) == (first.org, first.slug)
    assert render([contract.codec.manifest(second.kind, with_org(second))]) == text


def read(contract: Contract, text: str) -> Any:
    parsed = parse(text.encode(), "sample.yaml")
    assert not parsed.diagnostics
    (manifest,) = parsed.documents
    binding = contract.codec.bind(manifest.value, manifest.spellings)
    assert not binding.errors, binding.violations
    return binding


def with_org(binding: Any) -> Any:
    message = binding.kind.message_class()
    message.CopyFrom(binding.message)
    message.metadata.org = binding.org
    return message
