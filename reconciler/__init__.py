"""The pure engine: compares what is desired with what a backend holds, plans the difference, and applies the plan.

Knows nothing of stigmer, kinds, YAML, gRPC, files or terminals: schemas, ranks and backends are handed in.
"""

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
from reconciler.observe import Memo, Observation, missing_references, observe
from reconciler.plan import Change, Plan, plan, plan_delete
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
