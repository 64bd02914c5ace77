"""What a use case is asked, what it needs of the world, and what it answers: plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from manifests import DEFAULT_LIMITS, Diagnostic, Limits
from reconciler import Backend, Plan, Report
from stigmer.contract import Contract
from stigmer.sync.artifacts import ArtifactStore

DEFAULT_MANAGER = "stigmer"
"""The field manager of an apply outside a project."""


@dataclass(frozen=True, slots=True)
class Request:
    """One apply, plan, validate or delete. `paths` are files, folders, globs or "-"; `org` is what manifests without
    an org mean, empty for the backend's own; `limits` are those of one file and of standard input."""

    paths: tuple[str, ...]
    recursive: bool = True
    org: str = ""
    manager: str = DEFAULT_MANAGER
    allow_replace: bool = False
    keep_going: bool = False
    force_conflicts: bool = False
    use_cache: bool = True
    dry_run: bool = False
    limits: Limits = DEFAULT_LIMITS


@dataclass(slots=True)
class Workspace:
    """The world of a use case. `backend_id` tells backends apart in the cache; `cache_dir` None means no cache.
    `artifacts` None means that no files can be stored."""

    backend: Backend
    contract: Contract
    default_org: str
    backend_id: str
    cache_dir: Path | None
    stdin: BinaryIO | None
    environ: Mapping[str, str] = field(default_factory=dict)
    artifacts: ArtifactStore | None = None


class Status(Enum):
    """How a use case ended."""

    OK = "ok"
    """Everything is as it was asked to be, or would be."""
    INVALID = "invalid"
    """The manifests have errors; nothing was written."""
    REFUSED = "refused"
    """A guard forbids part of the plan; nothing was written."""
    DECLINED = "declined"
    """Confirmation was not given; nothing was written."""
    FAILED = "failed"
    """The backend refused the changes or could not be reached; see the report."""
    PARTIAL = "partial"
    """Some independent changes were written and others were not."""
    CONFLICT = "conflict"
    """Another manager claims a field that would change."""
    INTERRUPTED = "interrupted"
    """Ctrl-C; the report says whether something was written."""


@dataclass(frozen=True, slots=True)
class Loading:
    """Progress: so many of the files have been read."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Observing:
    """Progress: the desired set is being compared with the backend."""

    resources: int


Emit = Callable[[object], None]
"""Takes Loading, Observing and the events of `reconciler.events`."""

Confirm = Callable[[Plan], bool]
"""Asked once before a plan is executed; False stops it."""


@dataclass(slots=True)
class Outcome:
    """The answer. `plan` is None when the manifests have errors; `report` is None when nothing was executed."""

    status: Status
    plan: Plan | None = None
    report: Report | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    files: int = 0
    documents: int = 0
    revision: int = 0
