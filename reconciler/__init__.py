"""The pure engine: compares what is desired with what a backend holds, plans the difference, and applies the plan.

Knows nothing of stigmer, kinds, YAML, gRPC, files or terminals: schemas, ranks and backends are handed in.

Names are loaded when they are used: a command that shows one resource needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.actions import Action, Outcome
    from reconciler.apply import Applier
    from reconciler.decorators import DryRun, Fault, Faulty, Recording
    from reconciler.diff import Cause, CauseKind, FieldChange, Merge, three_way
    from reconciler.digests import BUCKETS, DigestTree, bucket_of
    from reconciler.events import (
        Applying,
        ChangeApplied,
        Event,
        Finished,
        Interrupted,
        PlanReady,
        Replanned,
        Report,
        Retrying,
    )
    from reconciler.graph import find_cycles, order
    from reconciler.guards import Policy, Refusal, RefusalReason
    from reconciler.leaves import MASK, leaf_paths
    from reconciler.observer import Memo, Observation, missing_references, observe
    from reconciler.planner import Change, Plan, plan, plan_delete
    from reconciler.ports import (
        ApplyOptions,
        ApplyResult,
        Backend,
        BackendError,
        BackendEvent,
        ChangeResult,
        DigestAnswer,
        DigestEntry,
        ResourceChange,
    )
    from reconciler.resource import Body, Desired, Observed, Origin, Reference, ResourceKey, Snapshot
    from reconciler.schema import DriftPolicy, ListType, Node

__all__ = [
    "BUCKETS",
    "MASK",
    "Action",
    "Applier",
    "ApplyOptions",
    "ApplyResult",
    "Applying",
    "Backend",
    "BackendError",
    "BackendEvent",
    "Body",
    "Cause",
    "CauseKind",
    "Change",
    "ChangeApplied",
    "ChangeResult",
    "Desired",
    "DigestAnswer",
    "DigestEntry",
    "DigestTree",
    "DriftPolicy",
    "DryRun",
    "Event",
    "Fault",
    "Faulty",
    "FieldChange",
    "Finished",
    "Interrupted",
    "ListType",
    "Memo",
    "Merge",
    "Node",
    "Observation",
    "Observed",
    "Origin",
    "Outcome",
    "Plan",
    "PlanReady",
    "Policy",
    "Recording",
    "Reference",
    "Refusal",
    "RefusalReason",
    "Replanned",
    "Report",
    "ResourceChange",
    "ResourceKey",
    "Retrying",
    "Snapshot",
    "bucket_of",
    "find_cycles",
    "leaf_paths",
    "missing_references",
    "observe",
    "order",
    "plan",
    "plan_delete",
    "three_way",
]

_MODULES = {
    "actions": ("Action", "Outcome"),
    "apply": ("Applier",),
    "decorators": ("DryRun", "Fault", "Faulty", "Recording"),
    "diff": ("Cause", "CauseKind", "FieldChange", "Merge", "three_way"),
    "digests": ("BUCKETS", "DigestTree", "bucket_of"),
    "events": (
        "Applying",
        "ChangeApplied",
        "Event",
        "Finished",
        "Interrupted",
        "PlanReady",
        "Replanned",
        "Report",
        "Retrying",
    ),
    "graph": ("find_cycles", "order"),
    "guards": ("Policy", "Refusal", "RefusalReason"),
    "leaves": ("MASK", "leaf_paths"),
    "observer": ("Memo", "Observation", "missing_references", "observe"),
    "planner": ("Change", "Plan", "plan", "plan_delete"),
    "ports": (
        "ApplyOptions",
        "ApplyResult",
        "Backend",
        "BackendError",
        "BackendEvent",
        "ChangeResult",
        "DigestAnswer",
        "DigestEntry",
        "ResourceChange",
    ),
    "resource": ("Body", "Desired", "Observed", "Origin", "Reference", "ResourceKey", "Snapshot"),
    "schema": ("DriftPolicy", "ListType", "Node"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
