"""Starting a daemon: a new process in a session of its own, that outlives the one which asked for it.

It is spawned, never forked: the parent may hold gRPC's threads. Standard output and error go to a file of the data
folder, whose newest lines explain a failed start.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from stigmer.backend.config import Config
from stigmer.backend.daemon import LOG_FOLDER, MODULE, OUTPUT_NAME
from stigmer.backend.settings import HOME_VARIABLE
from stigmer.errors import FailedPrecondition

EXIT_ALREADY_RUNNING = 75
"""Exit code of a daemon that found another one holding the data folder (EX_TEMPFAIL)."""

MAX_REASON_LINES = 10
MAX_REASON_BYTES = 16 * 1024
"""How much of a failed daemon's last words is shown."""

MAX_OUTPUT_BYTES = 1024 * 1024
"""Size from which the file of standard output and error is begun anew."""

FOLDER_MODE = 0o700
FILE_MODE = 0o600


class Child:
    """A spawned daemon, as long as this process watches over its start."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, offset: int) -> None:
        self._process = process
        self._output = output
        self._offset = offset
        # The process is reaped whenever it ends, also when nobody asks any more.
        threading.Thread(target=process.wait, name="stigmer-daemon-reaper", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that killed it."""
        return self._process.returncode

    def last_words(self) -> str:
        """The last lines it wrote, without those of daemons before it."""
        try:
            with self._output.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._offset, size - MAX_REASON_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-MAX_REASON_LINES:])


def spawn(config: Config) -> Child:
    """Starts a daemon for the configured data folder, which is made if need be. FailedPrecondition when the folder
    cannot be used."""
    logs = prepare(config.data_dir)
    output = logs / OUTPUT_NAME
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise unusable(config.data_dir, error) from error
    try:
        if os.fstat(handle).st_size > MAX_OUTPUT_BYTES:
            os.ftruncate(handle, 0)
        offset = os.fstat(handle).st_size
        process = subprocess.Popen(
            command(config),
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            close_fds=True,
            cwd="/",
            env=_environment(config),
            start_new_session=True,
        )
    except OSError as error:
        raise FailedPrecondition(f"cannot start {sys.executable or 'python'}: {error.strerror}") from error
    finally:
        os.close(handle)
    return Child(process, output, offset)


def command(config: Config) -> list[str]:
    """The daemon's command line, as `ps` shows it."""
    return [sys.executable, "-m", MODULE, "--data-dir", str(config.data_dir), "--engine", config.engine]


def prepare(data_dir: Path) -> Path:
    """Makes the data folder and its log folder, for the owner only, and returns the latter. FailedPrecondition when
    they cannot be made or written to."""
    logs = data_dir / LOG_FOLDER
    try:
        data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        logs.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise unusable(data_dir, error) from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise _unusable(data_dir, "it is read-only, or belongs to somebody else")
    return logs


def unusable(data_dir: Path, error: OSError) -> FailedPrecondition:
    return _unusable(data_dir, error.strerror or str(error))


def _unusable(data_dir: Path, reason: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"cannot use the data folder {data_dir}: {reason}",
        hint="choose another one: stigmer config set backend.local.data_dir PATH, or STIGMER_DATA_DIR",
        reason="DATA_DIR_UNUSABLE",
    )


def _environment(config: Config) -> dict[str, str]:
    environment = with_our_packages(os.environ)
    environment[HOME_VARIABLE] = str(config.home)
    environment["STIGMER_LOG_LEVEL"] = config.log_level
    environment.pop("STIGMER_TOKEN", None)
    return environment


def with_our_packages(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which a process finds the same stigmer as this one, in whichever folder it runs."""
    environment = dict(environ)
    paths = [Path(path).absolute() for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    root = Path(__file__).resolve().parents[2]
    if root.name not in ("site-packages", "dist-packages") and root not in paths:
        paths.insert(0, root)
    if paths:
        environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    return environment
