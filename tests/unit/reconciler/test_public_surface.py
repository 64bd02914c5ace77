"""The names that others may rely on, and what importing them costs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler.observer import observe
from reconciler.planner import plan

NAMES = """
BUCKETS MASK Action Applier ApplyOptions ApplyResult Applying Backend BackendError BackendEvent Body Cause CauseKind
Change ChangeApplied ChangeResult Desired DigestAnswer DigestEntry DigestTree DriftPolicy DryRun Event Fault Faulty
FieldChange Finished Interrupted ListType Memo Merge Node Observation Observed Origin Outcome Plan PlanReady Policy
Recording Reference Refusal RefusalReason Replanned Report ResourceChange ResourceKey Retrying Snapshot bucket_of
find_cycles leaf_paths missing_references observe order plan plan_delete three_way
"""


def test_the_public_names_are_these() -> None:
    assert reconciler.__all__ == NAMES.split()
    assert all(hasattr(reconciler, name) for name in reconciler.__all__)


def test_no_module_hides_a_public_name() -> None:
    assert reconciler.plan is plan
    assert reconciler.observe is observe
    modules = {path.stem for path in Path(reconciler.__file__).parent.glob("*.py")}
    assert modules.isdisjoint(reconciler.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Planner'"):
        _ = reconciler.Planner


def test_names_are_loaded_when_they_are_used() -> None:
    assert "reconciler.planner" not in loaded("import reconciler.path")
    assert "reconciler.planner" in loaded("from reconciler import plan")


def test_only_the_standard_library_is_imported() -> None:
    everything = "import reconciler; [getattr(reconciler, name) for name in reconciler.__all__]"
    foreign = {name.partition(".")[0] for name in loaded(everything) - loaded("pass")} - set(sys.stdlib_module_names)
    assert foreign == {"reconciler"}


def loaded(statement: str) -> set[str]:
    program = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
