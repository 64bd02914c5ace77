"""Field paths of resources -> positions in the manifest's own spelling."""

from __future__ import annotations

import pytest

from manifests import parse
from stigmer.contract import default_contract
from stigmer.sync.positions import locate

TEXT = """\
apiVersion: agentic.stigmer.ai/v1
kind: Environment
metadata:
  name: x
  tags: [b, a]
spec:
  data:
    PLAIN: text
    LONG:
      value: text
  variables:
    FOLDED: text
  sub_agents:
    - name: one
      instructions: x
    - name: two
"""


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("spec.data.LONG.value", 10, 14),
        ("spec.data.PLAIN.value", 8, 5),
        ("spec.data.FOLDED.value", 12, 13),
        ("spec.data.MISSING.value", 7, 3),
        ('metadata.tags[="a"]', 5, 13),
        ("spec.subAgents[name=two].instructions", 16, 7),
        ("spec.subAgents[0].instructions", 15, 21),
        ("", 1, 1),
    ],
)
def test_a_path_is_found_where_the_value_is_written(path: str, line: int, column: int) -> None:
    (manifest,) = parse(TEXT.encode(), "x.yaml").documents
    source = locate(manifest, default_contract().kinds["Environment"], path)
    assert (source.line, source.column) == (line, column)
