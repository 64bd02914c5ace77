"""The frame of the commands that load manifests: open the backend, call one use case, show what it says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from reconciler import Applying, Finished, PlanReady
from stigmer.cli.application import Invocation
from stigmer.cli.confirmation import Confirmation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.interrupts import ignored, is_interrupt
from stigmer.cli.reporting import Schemas, answer_report, exit_code, plan_report
from stigmer.cli.views.changes import ChangeReport, Verb
from stigmer.cli.views.human import HumanView
from stigmer.cli.views.json import JsonView
from stigmer.cli.views.name import NameView
from stigmer.cli.views.progress import Progress
from stigmer.cli.views.protocol import ChangeView
from stigmer.cli.views.unified import UnifiedView
from stigmer.cli.views.validation import ValidationView
from stigmer.cli.world import World, open_world, workspace_of
from stigmer.errors import StigmerError
from stigmer.sync import Confirm, Emit, Outcome, Workspace

UseCase = Callable[[Workspace, Confirm, Emit], Outcome]
WorldCase = Callable[[World, Confirm, Emit], Outcome]


def run_use_case(
    invocation: Invocation,
    use_case: UseCase,
    verb: Verb,
    *,
    assume_yes: bool = False,
    detailed: bool = False,
    show_unchanged: bool = False,
) -> ExitCode:
    """Calls `use_case` and draws its answer in the format the user asked for. Returns what the process exits with."""

    def in_world(world: World, confirm: Confirm, emit: Emit) -> Outcome:
        return use_case(workspace_of(world), confirm, emit)

    return run_in_world(
        invocation, in_world, verb, assume_yes=assume_yes, detailed=detailed, show_unchanged=show_unchanged
    )


def run_in_world(
    invocation: Invocation,
    use_case: WorldCase,
    verb: Verb,
    *,
    assume_yes: bool = False,
    guarded: bool = False,
    detailed: bool = False,
    show_unchanged: bool = False,
) -> ExitCode:
    """The same for a use case that asks the backend more than the reconciler does. `guarded`: a loss is confirmed by
    typing how much it is."""
    run = _Run(invocation, verb)
    try:
        answer = run.answer(use_case, assume_yes=assume_yes, guarded=guarded)
        with ignored():
            run.show(answer_report(answer, verb, show_unchanged=show_unchanged, schemas=run.schemas))
        return exit_code(answer, detailed=detailed)
    except (KeyboardInterrupt, Exception) as error:
        if not is_interrupt(error):
            raise
        with ignored():
            run.show(run.interrupted())
        return ExitCode.INTERRUPTED
    finally:
        run.progress.close()


class _Run:
    """One run: the view, and what is known of a request that may be under way."""

    def __init__(self, invocation: Invocation, verb: Verb) -> None:
        self.invocation = invocation
        self.verb = verb
        self.progress = Progress(invocation.console)
        self.view = _view(invocation, verb, self.progress)
        self.schemas: Schemas | None = None
        self._request_id = ""
        self._committed: bool | None = False
        self._revision = 0

    def answer(self, use_case: WorldCase, *, assume_yes: bool, guarded: bool) -> Outcome:
        self.progress.say("opening the backend")
        with open_world(self.invocation) as world:
            if self.verb == "diff" or isinstance(self.view, JsonView):
                self.schemas = lambda kind: world.contract.kinds[kind].schema
            console, progress = self.invocation.console, self.progress
            org = world.org or world.info.default_org
            confirm = Confirmation(console, progress, assume_yes=assume_yes, guarded_org=org if guarded else "")
            try:
                return use_case(world, confirm, self.emit)
            except (KeyboardInterrupt, Exception) as error:
                if is_interrupt(error):
                    self._ask(world)
                raise

    def show(self, report: ChangeReport) -> None:
        self.progress.close()
        self.view.finished(report)
        self.invocation.console.flush()

    def emit(self, event: object) -> None:
        if isinstance(event, PlanReady):
            self.view.planned(plan_report(event.plan, self.schemas))
        elif isinstance(event, Applying):
            self._request_id = event.request_id
        elif isinstance(event, Finished):
            self._request_id = ""
            self._committed, self._revision = event.report.committed, event.report.revision
        self.view.event(event)

    def interrupted(self) -> ChangeReport:
        """What is known when Ctrl-C ended the run before the use case could say."""
        return ChangeReport(verb=self.verb, status="interrupted", committed=self._committed, revision=self._revision)

    def _ask(self, world: World) -> None:
        """Finds out what became of a request that was under way."""
        if not self._request_id:
            return
        self._committed = None
        with suppress(StigmerError):
            known = world.backend.outcome_of(self._request_id)
            self._committed = known is not None and known.committed
            self._revision = known.revision if known else 0


def _view(invocation: Invocation, verb: Verb, progress: Progress) -> ChangeView:
    form, console = invocation.format, invocation.console
    if form.name == "name":
        return NameView(console)
    if not form.for_people:
        return JsonView(console, form)
    if verb == "validate":
        return ValidationView(console, progress)
    if verb == "diff":
        return UnifiedView(console, progress)
    return HumanView(console, form, progress)
