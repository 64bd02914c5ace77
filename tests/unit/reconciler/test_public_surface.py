"""The names that others may rely on, and what importing them costs them."""

from __future__ import annotations

import subprocess
import sys

import reconciler
from reconciler.observe import observe
from reconciler.plan import plan

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


def test_plan_and_observe_are_functions_although_modules_have_their_names() -> None:
    assert reconciler.plan is plan
    assert reconciler.observe is observe


def test_only_the_standard_library_is_imported() -> None:
    foreign = loaded("import reconciler") - loaded("pass") - set(sys.stdlib_module_names)
    assert foreign == {"reconciler"}


def loaded(statement: str) -> set[str]:
    program = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}
