"""`python -m stigmer.server`: the daemon of one data directory. Takes the directory's lock before anything heavy is
loaded, so that a start that comes second ends at once."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from stigmer.errors import StigmerError
from stigmer.server.lock import DataDirLock, LockHeldError

EXIT_USAGE = 64
"""EX_USAGE: the command line, or a setting, is not valid."""
EXIT_UNUSABLE = 73
"""EX_CANTCREAT: the data directory cannot be made, written or trusted."""
EXIT_FAILED = 74
"""EX_IOERR: the store could not be opened, or the socket not bound."""
EXIT_ALREADY_RUNNING = 75
"""EX_TEMPFAIL: another daemon owns the data directory."""

PRIVATE_UMASK = 0o077
FOLDER_MODE = 0o700


def main(arguments: list[str] | None = None) -> int:
    """Run the daemon; returns its exit code. Errors are one clear line on standard error, never a traceback."""
    options = _parser().parse_args(arguments)
    os.umask(PRIVATE_UMASK)
    data_dir: Path = options.data_dir.absolute()
    try:
        _prepare(data_dir)
        with DataDirLock(data_dir) as lock:
            return _serve(data_dir, options.engine, options.listen, lock)
    except LockHeldError:
        return _fail(EXIT_ALREADY_RUNNING, f"another daemon owns {data_dir}")
    except OSError as error:
        return _fail(EXIT_UNUSABLE, f"cannot use the data directory {data_dir}: {error.strerror or error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stigmer.server", description="The local stigmer backend.")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data; one daemon owns it")
    parser.add_argument("--engine", default="lmdb", help="store engine (default: lmdb)")
    parser.add_argument("--listen", default="", metavar="127.0.0.1:PORT", help="also listen on a loopback port")
    return parser


def _prepare(data_dir: Path) -> None:
    """Make the data directory, or see that it is ours, and keep everybody else out of it."""
    data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    found = data_dir.stat()
    if found.st_uid != os.geteuid():
        raise PermissionError(0, "it belongs to another user")
    if found.st_mode & 0o077:
        data_dir.chmod(FOLDER_MODE)


def _serve(data_dir: Path, engine: str, listen: str, lock: DataDirLock) -> int:
    from stigmer.server import logs  # noqa: PLC0415 -- loaded by the owner of the lock only
    from stigmer.server.lifecycle import Options, run  # noqa: PLC0415 -- likewise

    try:
        logs.configure(data_dir)
        run(Options(data_dir, engine, listen), lock)
    except StigmerError as error:
        code = EXIT_USAGE if error.code == "INVALID_ARGUMENT" else EXIT_FAILED
        return _fail(code, f"{error}\n{error.hint}".strip())
    return 0


def _fail(code: int, message: str) -> int:
    sys.stderr.write(f"stigmer.server: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
