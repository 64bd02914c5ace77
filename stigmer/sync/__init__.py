"""The use cases: from manifests to a backend in step with them. Command line and loops call these and nothing below.

Knows nothing of stores, pipelines, terminals or exit codes.
"""

from stigmer.sync.request import (
    Confirm,
    Emit,
    Loading,
    Observing,
    Outcome,
    Request,
    Status,
    Workspace,
)
from stigmer.sync.usecases import apply, delete, plan, validate

__all__ = [
    "Confirm",
    "Emit",
    "Loading",
    "Observing",
    "Outcome",
    "Request",
    "Status",
    "Workspace",
    "apply",
    "delete",
    "plan",
    "validate",
]
