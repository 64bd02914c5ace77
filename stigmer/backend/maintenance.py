"""Work on a data folder that no daemon does: a process of its own is started for it, and tells in lines of JSON how it
gets on (`python -m stigmer.server.maintenance`).

It is a process because the client knows no store, and because damaged data may be the end of whoever reads them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, final

from stigmer.backend.config import Config
from stigmer.backend.spawn import with_our_packages
from stigmer.errors import BY_CODE, DataLoss, FailedPrecondition, Internal, StigmerError, Violation

MODULE = "stigmer.server.maintenance"

GO = "go"
"""What tells a process that waits for agreement to go on; anything else does not."""

STOP_S = 10.0
"""How long the process may take to undo what it has begun, before it is killed."""

MAX_WORDS_BYTES = 4 * 1024
"""How much of the last words of a process that failed unexpectedly is looked at."""

_DAMAGE_SIGNALS = frozenset({signal.SIGBUS, signal.SIGSEGV, signal.SIGABRT})
"""What reading damaged pages ends with."""

Say = Callable[[str], None]
"""Takes what is being done, in a few words."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the process: `name` and the other fields."""

    name: str
    fields: dict[str, Any]


@final
class Maintenance:
    """A running process. `events` gives what it says; `answer` is for its questions."""

    def __init__(self, process: subprocess.Popen[str], words: IO[bytes], say: Say) -> None:
        self._process = process
        self._words = words
        self._say = say
        self._result: dict[str, Any] | None = None
        self._asks = False

    def events(self) -> Iterator[Event]:
        """What it says before its result, progress aside. Raises the error that it ends with; DataLoss when it died
        of what it read."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                fields = json.loads(line)
                event = Event(fields.pop("event"), fields)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise Internal(f"the maintenance process said {line[:200]!r}") from error
            if event.name == "progress":
                self._say(str(event.fields["text"]))
                continue
            if event.name == "error":
                raise _error(event.fields)
            if event.name == "result":
                self._result = event.fields
                return
            self._asks = event.name == "ready"
            yield event
        raise self._died()

    def result(self) -> dict[str, Any]:
        """The fields of its last line; what it says before is passed over."""
        while self._result is None:
            for _ in self.events():
                continue
        return self._result

    def answer(self, text: str) -> None:
        """Sends it a line; that it has ended meanwhile is for `events` to tell."""
        assert self._process.stdin is not None
        self._asks = False
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{text}\n")
            self._process.stdin.flush()

    def interrupt(self) -> None:
        """Asks it to stop and to undo what it has begun; whether it comes too late is for `events` to tell."""
        with suppress(OSError):
            self._process.terminate()

    def end(self) -> None:
        """Stops it if it still works: it undoes what it has begun. To one that waits for an answer, silence is one."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self._process.poll() is None:
            if not self._asks:
                self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _died(self) -> StigmerError:
        """The error of a process that ended without a word of it."""
        code = self._process.wait()
        if -code in _DAMAGE_SIGNALS:
            return DataLoss(
                f"the data could not be read to their end: the process that read them died of {_signal(-code)}",
                hint="run stigmer local doctor --verify; if it finds damage, restore the last backup: "
                "stigmer local restore FILE",
                reason="STORE_UNREADABLE",
            )
        how = f"died of {_signal(-code)}" if code < 0 else f"ended with code {code}"
        self._words.seek(max(0, self._words.seek(0, os.SEEK_END) - MAX_WORDS_BYTES))
        words = self._words.read().decode(errors="replace").strip().splitlines()
        return Internal(f"the maintenance process {how}" + (f": {words[-1]}" if words else ""))


@contextmanager
def maintenance(
    config: Config, command: str, *arguments: str, say: Say, descriptors: Sequence[int] = ()
) -> Iterator[Maintenance]:
    """Starts a process on the configured data folder; it does not outlive the block. `descriptors` are files of ours
    that it may use under their numbers. FailedPrecondition when it cannot be started."""
    line = [sys.executable, "-P", "-m", MODULE, command, "--data-dir", str(config.data_dir), *arguments]
    environment = with_our_packages(os.environ)
    environment.pop("STIGMER_TOKEN", None)
    with tempfile.TemporaryFile() as words:
        try:
            process = subprocess.Popen(
                line,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
                encoding="utf-8",
                env=environment,
                pass_fds=tuple(descriptors),
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        except OSError as error:
            raise FailedPrecondition(f"cannot start {sys.executable or 'python'}: {error.strerror}") from error
        job = Maintenance(process, words, say)
        try:
            yield job
        finally:
            job.end()


def _error(fields: dict[str, Any]) -> StigmerError:
    leaf = BY_CODE.get(fields["code"], Internal)
    violations = [Violation("", text) for text in fields["violations"]]
    return leaf(fields["message"], hint=fields["hint"], reason=fields["reason"], violations=violations)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
