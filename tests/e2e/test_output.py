"""Output on terminals and in pipes. Assumes views tested on their own."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import time

import pytest

ESCAPE = "\x1b["


def on_terminal(cli, *arguments: str, answer: str = "", env: dict[str, str] | None = None) -> tuple[int, str]:
    """Runs the program on a terminal of its own, types `answer` when it asks, and returns its code and its screen."""
    controller, terminal = pty.openpty()
    process = cli.start(
        *arguments, env={"TERM": "xterm", **(env or {})}, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    screen, deadline = b"", time.monotonic() + 30
    with contextlib.suppress(OSError):  # the last process has closed the terminal
        while time.monotonic() < deadline:
            if select.select([controller], [], [], 0.1)[0]:
                data = os.read(controller, 65536)
                if not data:
                    break
                screen += data
                if answer and b"[y/N]" in screen:
                    os.write(controller, answer.encode() + b"\n")
                    answer = ""
    os.close(controller)
    return process.wait(timeout=30), screen.decode()


@pytest.fixture
def bot(cli):
    cli.write("bot.yaml", cli.agent("Bot", description="x"))
    return cli


def test_a_terminal_gets_colour_unless_it_is_turned_off(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    code, screen = on_terminal(cli, "plan", "-f", "bot.yaml")
    assert (code, ESCAPE in screen) == (0, True)
    _, screen = on_terminal(cli, "plan", "-f", "bot.yaml", env={"NO_COLOR": "1"})
    assert ("+ Agent/bot" in screen, ESCAPE in screen) == (True, False)
    _, screen = on_terminal(cli, "apply", "-f", "bot.yaml", "--no-color")
    assert ("created" in screen, ESCAPE in screen) == (True, False)


def test_a_pipe_gets_no_colour(cli) -> None:
    cli.write("bad.yaml", {"kind": "Agnet"})
    cli.write("bot.yaml", cli.agent("Bot"))
    for arguments in (("apply", "-f", "bot.yaml"), ("apply", "-f", "bad.yaml"), ("describe", "agent", "bot")):
        result = cli(*arguments, env={"TERM": "xterm-256color", "CLICOLOR_FORCE": "1"})
        assert ESCAPE not in result.out + result.err


def test_a_terminal_is_asked_before_something_is_deleted(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    cli.ok("apply", "-f", "bot.yaml")
    code, screen = on_terminal(cli, "delete", "agent", "bot", answer="n")
    assert code == 5
    assert "This will delete 1 resource. Go on? [y/N]" in screen
    assert "nothing was changed" in screen
    assert cli.slugs("agents") == {"bot"}
    code, screen = on_terminal(cli, "delete", "agent", "bot", answer="y")
    assert (code, "1 deleted" in screen) == (0, True)
    assert cli.slugs("agents") == set()


def test_names_cannot_drive_the_terminal(cli) -> None:
    evil = "Bot \x1b]0;owned\x07\x1b[31m\u202e"
    cli.write("bot.yaml", cli.agent(evil, "Look \x1b[2J here\n", slug="bot"))
    assert "\x1b" not in cli.ok("apply", "-f", "bot.yaml").out
    for arguments in ("get agents -o wide", "describe agent bot", "get agent bot -o yaml"):
        out = cli.ok(*arguments.split()).out
        assert not {"\x1b", "\x07", "\u202e"} & set(out)
    assert cli.json("get", "agent", "bot")["metadata"]["name"] == evil


def test_a_closed_pipe_ends_the_program_quietly(cli) -> None:
    cli.write("many.yaml", *(cli.agent(f"bot-{n}", "Do as you are told. " * 50) for n in range(200)))
    cli.ok("apply", "-f", "many.yaml")
    with cli.start("get", "agents", "-o", "yaml") as process:
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (141, b"")


def test_a_long_run_shows_progress_on_a_terminal_only(cli) -> None:
    with cli.start("apply", "-f", "-") as process:
        time.sleep(1.5)
        out, err = process.communicate(b"", timeout=30)
    assert (process.returncode, out) == (1, b"")
    assert b"\r" not in err


@pytest.mark.parametrize("form", ["yaml", "json", "name", "jsonpath={.changes[*].slug}"])
def test_a_format_for_programs_is_alone_on_standard_output(form: str, cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    result = cli.ok("apply", "-f", "bot.yaml", "-o", form)
    assert result.err == ""
    expected = {"name": "agent/bot\n", "jsonpath={.changes[*].slug}": "bot\n"}
    assert expected.get(form, result.out) == result.out
