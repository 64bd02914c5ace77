"""A value that is refused because it is secret is not quoted by the message that says so."""

from __future__ import annotations

from typing import Any

import pytest

from stigmer.sync import Status

HEAD = "apiVersion: agentic.stigmer.ai/v1\nkind: Environment\nmetadata: {name: e}\nspec:\n"


@pytest.mark.parametrize(
    "spec",
    [
        "  data: {A: {value: hunter2, isSecret: true}}\n",
        "  data:\n    A:\n      value: hunter2\n      is_secret: true\n",
        "  secrets: {A: hunter2}\n",
        "  secrets:\n    A: |\n      hunter2\n      hunter2\n",
        "  data: {A: {value: hunter2, isSecret: true, nonsense: 1}}\n",
        "  data: {A: {value: hunter2, isSecret: yes}}\n",
        "  secrets: {A: hunter2, B: [hunter2]}\n",
    ],
)
def test_no_diagnostic_quotes_a_secret(bench: Any, spec: str) -> None:
    bench.write("e.yaml", HEAD + spec)
    outcome = bench.apply()
    assert outcome.status is Status.INVALID
    shown = "".join(str(each.to_json()) + each.render() for each in outcome.diagnostics)
    assert "hunter2" not in shown


def test_values_that_are_not_secret_are_quoted(bench: Any) -> None:
    bench.write("e.yaml", HEAD + "  data: {A: {value: visible, nonsense: 1}}\n")
    assert "visible" in bench.apply().diagnostics[0].render()
