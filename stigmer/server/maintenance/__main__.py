"""`python -m stigmer.server.maintenance {backup,restore,convert,doctor}`: works on a data directory in the place of a
daemon, or beside one. For programs: what it says is in `events`, its exit codes are those of `stigmer.server`."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from stigmer.errors import Internal, StigmerError, Unavailable
from stigmer.server.__main__ import EXIT_FAILED, EXIT_UNUSABLE, EXIT_USAGE, PRIVATE_UMASK
from stigmer.server.maintenance import events
from stigmer.server.maintenance.backup import Target, backup
from stigmer.server.maintenance.convert import convert
from stigmer.server.maintenance.doctor import diagnose
from stigmer.server.maintenance.restore import Source, restore
from stigmer.store.files import ENGINE_FILES

EXIT_STOPPED = 128 + signal.SIGTERM


class Stopped(BaseException):
    """SIGTERM came: undo what was begun, and end."""


def main(arguments: list[str] | None = None) -> int:
    """Do one thing; returns the exit code."""
    options = _parser().parse_args(arguments)
    os.umask(PRIVATE_UMASK)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return _reported(options)
    except BrokenPipeError:
        _abandon_output()
        return EXIT_FAILED
    except Stopped:
        return EXIT_STOPPED


def _reported(options: argparse.Namespace) -> int:
    data_dir: Path = options.data_dir.absolute()
    try:
        events.emit("result", **_run(options, data_dir))
    except BrokenPipeError:
        raise
    except StigmerError as error:
        events.fail(error)
        return EXIT_USAGE if error.code == "INVALID_ARGUMENT" else EXIT_FAILED
    except OSError as error:
        events.fail(Unavailable(f"cannot use {error.filename or data_dir}: {error.strerror or error}"))
        return EXIT_UNUSABLE
    except Exception as error:  # noqa: BLE001 -- the caller is told, and has the traceback from standard error
        sys.excepthook(type(error), error, error.__traceback__)
        events.fail(Internal(f"unexpected {type(error).__name__}: {error}"))
        return EXIT_FAILED
    return 0


def _run(options: argparse.Namespace, data_dir: Path) -> dict[str, Any]:
    if options.command == "backup":
        return backup(data_dir, Target(options.to.absolute(), options.to_descriptor, options.force))
    if options.command == "restore":
        return restore(data_dir, Source(options.source.absolute(), options.source_descriptor), _ask)
    if options.command == "convert":
        return convert(data_dir, options.to, _ask_to_convert)
    return diagnose(data_dir, verify=options.verify)


def _ask(incoming: dict[str, Any], current: dict[str, Any]) -> bool:
    events.emit("ready", backup=incoming, current=current)
    return sys.stdin.readline().strip() == events.GO


def _ask_to_convert(current: dict[str, Any]) -> bool:
    events.emit("ready", current=current)
    return sys.stdin.readline().strip() == events.GO


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stigmer.server.maintenance",
        description="Back up, restore, convert or examine a store.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-dir", type=Path, required=True, help="folder of the data")
    made = commands.add_parser("backup", parents=[common], help="copy the store into one file")
    made.add_argument("--to", type=Path, default=Path(), help="the file, or a folder for it (default: here)")
    made.add_argument("--to-descriptor", type=int, help="write to this open descriptor instead")
    made.add_argument("--force", action="store_true", help="replace a file that exists")
    put = commands.add_parser("restore", parents=[common], help="replace the store; waits for 'go' on standard input")
    put.add_argument("--source", type=Path, default=Path(), help="a backup, or a folder that holds a store")
    put.add_argument("--source-descriptor", type=int, help="read the backup from this open descriptor instead")
    new = commands.add_parser("convert", parents=[common], help="change the engine; waits for 'go' on standard input")
    new.add_argument("--to", choices=ENGINE_FILES, required=True, help="the engine that the store is to be of")
    seen = commands.add_parser("doctor", parents=[common], help="say what is wrong with the store")
    seen.add_argument("--verify", action="store_true", help="read every page, checksum and index")
    return parser


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- a signal handler's signature
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _abandon_output() -> None:
    """Nobody reads standard output any more; the interpreter's last flush must not fail for it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError):
        os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
