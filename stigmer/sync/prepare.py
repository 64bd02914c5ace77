"""From paths to a plan: load, bind, observe, plan. Shared by apply, plan, validate and delete."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from manifests import Diagnostic, Severity, has_errors
from reconciler import (
    Observation,
    Plan,
    Policy,
    Report,
    ResourceKey,
    Snapshot,
    missing_references,
    observe,
    plan,
    plan_delete,
)
from stigmer.sync.desired import DesiredSet, Few, Loader
from stigmer.sync.index import Verified
from stigmer.sync.lazykeys import LazyKeys
from stigmer.sync.positions import diagnose
from stigmer.sync.request import Emit, Observing, Request, Workspace


@dataclass(slots=True)
class Prepared:
    """A plan with what led to it. With errors in the manifests `plan` is None, and `draft` is what could be planned of
    the rest: it is never executed, only checked, so that one run shows all mistakes. `recalled` says that nothing
    was read because nothing has changed, `few` that little else was read than what has changed; the rest of the set
    was held at the revision `held`."""

    loader: Loader
    desired: DesiredSet
    observation: Observation | None = None
    plan: Plan | None = None
    draft: Plan | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    recalled: bool = False
    few: Few | None = None
    held: int = 0

    @property
    def has_errors(self) -> bool:
        return has_errors(self.diagnostics)

    def remember(self, report: Report | None) -> None:
        """Keep what this run has verified, for the next one. After a write of a few files among many that can wait: the
        next run reads the few again, and keeps what it finds unchanged then.

        If the write was the very next commit after what was observed, all is as desired as of that one. Otherwise
        somebody else has written between the two, and the next run has to look at what."""
        seen = self.observation
        if self.recalled or seen is None:
            return
        if self.few is None:
            is_next = report is not None and bool(report.committed) and report.revision == seen.revision + 1
            self.loader.remember(self.desired.resources, seen.revision + is_next, seen.epoch)
        elif self.few.is_lasting and self.plan is not None and self.plan.is_empty:
            self.loader.remember_few(self.few, self.desired.resources, self.held)


def prepare(request: Request, workspace: Workspace, emit: Emit) -> Prepared:
    """The plan that makes the backend hold what the paths declare, or the mistakes that forbid one."""
    loader = Loader(request, workspace)
    recalled = _unchanged(loader, request, workspace)
    if recalled is not None:
        return recalled
    prepared = _narrowed(loader, workspace)
    if prepared is None:
        desired = loader.load(emit)
        prepared = Prepared(loader, desired, diagnostics=desired.diagnostics)
    if prepared.desired.resources:
        emit(Observing(len(prepared.desired.resources)))
        replan(prepared, request, workspace)
    return prepared


def replan(prepared: Prepared, request: Request, workspace: Workspace) -> Plan:
    """Observe again and plan anew; the manifests are not read again. Errors keep the plan out of `prepared.plan`."""
    desired, kinds = prepared.desired, workspace.contract.kinds
    prepared.observation = seen = observe(desired.resources, workspace.backend, desired.memo)
    made = plan(
        desired.resources,
        seen.snapshot,
        lambda kind: kinds[kind].schema,
        kinds.rank,
        policy(request),
        request.manager,
    )
    prepared.diagnostics = [each for each in prepared.diagnostics if each.code not in REFERENCE_CODES]
    prepared.diagnostics += _dangling(prepared, workspace, made)
    if desired.rest:
        listed, rest = made.unchanged, desired.rest
        made = replace(made, unchanged=LazyKeys(len(listed) + len(rest), lambda: [*listed, *rest]))
    prepared.draft = made
    prepared.plan = None if prepared.has_errors else made
    return made


def prepare_delete(request: Request, workspace: Workspace, keys: Sequence[ResourceKey], emit: Emit) -> Prepared:
    """The plan that deletes what the paths declare, or the named keys. The scope is never more than these."""
    loader = Loader(request, workspace)
    desired = loader.load(emit) if request.paths else DesiredSet()
    prepared = Prepared(loader, desired, diagnostics=desired.diagnostics)
    if not desired.has_errors:
        replan_delete(prepared, request, workspace, keys)
    return prepared


def replan_delete(prepared: Prepared, request: Request, workspace: Workspace, keys: Sequence[ResourceKey]) -> Plan:
    scope = [*prepared.desired.resources, *(key for key in keys if key not in prepared.desired.resources)]
    snapshot: Snapshot = workspace.backend.get_many(scope)
    prepared.plan = plan_delete(
        scope,
        snapshot,
        workspace.contract.kinds.rank,
        policy(request),
        request.manager,
        prepared.desired.resources,
    )
    return prepared.plan


def policy(request: Request) -> Policy:
    return Policy(
        allow_replace=request.allow_replace,
        force_conflicts=request.force_conflicts,
        keep_going=request.keep_going,
    )


def _unchanged(loader: Loader, request: Request, workspace: Workspace) -> Prepared | None:
    """An empty plan when neither a file nor the backend has changed since the last run: one small call per org."""
    verified = loader.recall()
    if verified is None:
        return None
    revision = _still_holds(verified, workspace)
    if revision is None:
        return None
    loader.advance(verified, revision)
    made = Plan((), LazyKeys(verified.documents, loader.recalled_keys), revision, request.manager, policy(request))
    desired = DesiredSet(files=verified.files, documents=verified.documents)
    return Prepared(loader, desired, Observation(Snapshot(revision, {}), revision, verified.epoch), made, recalled=True)


def _narrowed(loader: Loader, workspace: Workspace) -> Prepared | None:
    """What a few changed files among many declare, when the backend still holds the rest: nothing else is read."""
    few = loader.few()
    desired = loader.load_few(few) if few is not None else None
    if few is None or desired is None:
        return None
    known = {*desired.resources, *(entry.key for entry in few.stale)}
    held = _still_holds(few.verified, workspace, known)
    return None if held is None else Prepared(loader, desired, few=few, held=held)


def _still_holds(
    verified: Verified, workspace: Workspace, apart_from: Collection[ResourceKey] = frozenset()
) -> int | None:
    """The revision at which the backend still holds the verified set, apart from some keys that are looked at anyway;
    None when something else may have changed."""
    revisions = []
    for org, tree in verified.trees.items():
        answer = workspace.backend.digests(org, tree, verified.revision, verified.epoch)
        if answer.epoch != verified.epoch or answer.kind not in {"equal", "since"}:
            return None
        if any(ResourceKey(entry.kind, org, entry.slug) not in apart_from for entry in answer.entries):
            return None
        revisions.append(answer.revision)
    return min(revisions) if revisions else None


REFERENCE_CODES = frozenset({"dangling-reference", "unresolved-reference"})


def _dangling(prepared: Prepared, workspace: Workspace, made: Plan) -> list[Diagnostic]:
    """References to what is neither in the set nor in the backend: an error where the target is required. What a broken
    document was meant to declare is not missing."""
    found = []
    resources = prepared.desired.resources
    for key, reference in missing_references(resources, workspace.backend, settled=frozenset(made.unchanged)):
        target = reference.target
        if target in prepared.desired.broken or prepared.desired.is_partial:
            continue
        manifest = prepared.loader.manifest_of(resources[key])
        message = f"there is no {target.kind.lower()} {target.slug}"
        if target.org != key.org:
            message += f" in {target.org}"
        severity = Severity.ERROR if reference.required else Severity.WARNING
        code = "dangling-reference" if reference.required else "unresolved-reference"
        hint = "declare it, or correct the name" if reference.required else "a run will fail until it exists"
        kind = workspace.contract.kinds[key.kind]
        if manifest is None:
            found.append(Diagnostic(severity, f"{key}: {reference.path}: {message}", hint=hint, code=code))
        else:
            found.append(
                diagnose(
                    manifest,
                    kind,
                    reference.path,
                    message,
                    hidden=workspace.contract.secret_fields,
                    hint=hint,
                    severity=severity,
                    code=code,
                )
            )
    return found
