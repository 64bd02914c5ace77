"""Which exit code wins. Assumes nothing."""

from __future__ import annotations

import pytest

from stigmer.cli.exit_codes import ExitCode, combine


@pytest.mark.parametrize(
    ("codes", "winner"),
    [
        ([], 0),
        ([0, 0], 0),
        ([2, 1], 1),
        ([3, 5], 5),
        ([6, 3], 3),
        ([4, 6], 6),
        ([2, 4], 4),
        ([7, 2], 2),
        ([7, 0], 7),
        ([1, 5, 3, 6, 4, 2, 7], 1),
        ([130, 1], 130),
        ([9], 9),
    ],
    ids=str,
)
def test_the_most_important_code_wins(codes: list[int], winner: int) -> None:
    assert combine(ExitCode(code) for code in codes) == winner
