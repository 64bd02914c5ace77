"""`python -m benchmarks`: run rows, print the table. Exits with 0 also when goals are missed, for figures are no
assertions; with 1 when a row could not run or an outcome was wrong; with 2 for a wrong command line."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import machine
from benchmarks.figures import Fault, Figure
from benchmarks.harness import BlockedError, ProfiledError, Session, WrongOutcomeError
from benchmarks.profiling import Profiler
from benchmarks.report import PageError, Report, replace_block
from benchmarks.rows import Row, all_rows

EXIT_FAULT = 1
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    rows = all_rows()
    options = _options(rows, arguments)
    if options.list:
        print(_listing(rows))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_INTERRUPTED))
    try:
        with _session(options) as session:
            if options.profile:
                return _profile(session, _named(rows, [options.profile])[0])
            report = _measure(session, _named(rows, options.only))
    except KeyboardInterrupt:
        print("interrupted; daemons are stopped and files removed", file=sys.stderr)
        return EXIT_INTERRUPTED
    return _publish(report, options)


def _options(rows: Sequence[Row], arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [row.name for row in rows]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours and others', in turn, in one run.")
    parser.add_argument("--list", action="store_true", help="list the rows")
    parser.add_argument("--only", nargs="+", choices=names, metavar="ROW", default=names, help="run these rows")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not what it measures")
    parser.add_argument("--rounds", type=_positive, metavar="N", help="rounds of every row, instead of its own number")
    parser.add_argument("-o", "--output", choices=("table", "json", "markdown"), default="table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there instead of to standard output")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace the marked block of a page with Markdown")
    parser.add_argument("--profile", choices=names, metavar="ROW", help="show where the time of our side of a row goes")
    return parser.parse_args(arguments)


@contextmanager
def _session(options: argparse.Namespace) -> Iterator[Session]:
    """Whatever ends the run, what it started is stopped before its files are removed."""
    with tempfile.TemporaryDirectory(prefix="stigmer-bench-") as scratch, ExitStack() as closing:
        profiler = None
        if options.profile:
            profiler = Profiler()
            profiler.install()
            closing.callback(profiler.remove)
        yield Session(Path(scratch), closing, options.quick, options.rounds, profiler, _say)


def _measure(session: Session, rows: Sequence[Row]) -> Report:
    began = time.monotonic()
    described = machine.describe(session.scratch)
    figures: list[Figure] = []
    faults: list[Fault] = []
    for row in rows:
        _say(f"{row.name}: {row.summary}")
        try:
            figures += row.measure(session)
        except (BlockedError, WrongOutcomeError) as error:
            faults.append(Fault(row.name, str(error)))
        except Exception as error:  # noqa: BLE001 - one row that breaks does not take the others' figures
            faults.append(Fault(row.name, f"{type(error).__name__}: {error}"))
    return Report(described, figures, faults, time.monotonic() - began, session.quick)


def _profile(session: Session, row: Row) -> int:
    try:
        for _ in row.measure(session):
            pass
    except ProfiledError as profiled:
        print(profiled.text)
        return 0
    except BlockedError as error:
        print(f"{row.name}: {error}", file=sys.stderr)
        return EXIT_FAULT
    print(f"{row.name} is counted, not timed: there is nothing to profile")
    return 0


def _publish(report: Report, options: argparse.Namespace) -> int:
    text = report.rendered(options.output)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    if options.write:
        try:
            replace_block(options.write, report.markdown())
        except (PageError, OSError) as error:
            print(f"the page is unchanged: {error}", file=sys.stderr)
            return EXIT_FAULT
    return EXIT_FAULT if report.faults else 0


def _named(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    return [row for row in rows if row.name in names]


def _listing(rows: Sequence[Row]) -> str:
    width = max(len(row.name) for row in rows)
    return "\n".join(f"{row.name:<{width}}  {row.summary}" for row in rows)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give 1 or more")
    return number


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
