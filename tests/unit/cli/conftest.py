"""A console that remembers what was printed."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest

from stigmer.cli.console import Console


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Pipe(io.StringIO):
    """A text stream that says it is none."""

    encoding = "utf-8"


@dataclass
class Recorder:
    """A console and what it printed."""

    console: Console = field(default_factory=lambda: Console(Pipe(), Pipe()))

    @property
    def out(self) -> str:
        assert isinstance(self.console.out, io.StringIO)
        return self.console.out.getvalue()

    @property
    def err(self) -> str:
        assert isinstance(self.console.err, io.StringIO)
        return self.console.err.getvalue()


@pytest.fixture
def pipe() -> Recorder:
    """Standard output and error that nobody watches."""
    return Recorder()


@pytest.fixture
def terminal() -> Recorder:
    """A terminal with colour."""
    return Recorder(Console(Terminal(), Terminal(), color_out=True, color_err=True))
