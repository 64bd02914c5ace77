"""Inputs made to crash the loader, to hang it or to eat all memory, each given to a child process under hard limits.

Layer: `manifests.loader`. A child that is killed by a signal, runs out of its address space or of its processor time
fails the test; so does a bomb that is taken for a manifest.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests.compose import HAS_LIBYAML

ROOT = Path(__file__).parents[2]
ADDRESS_SPACE = 1 << 30
PROCESSOR_SECONDS = 30
RESIDENT_BYTES = 256 << 20
LONGEST_DIAGNOSTIC = 4_000

_CHILD = """
import json, resource, sys
from pathlib import Path

def peak():  # the peak that getrusage tells begins with that of the process which started this one
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024

from manifests import MemoryTree, load
loaded = load(MemoryTree({"bomb.yaml": sys.stdin.buffer.read()}))
rendered = [item.render() for item in loaded.diagnostics]
print(json.dumps({
    "codes": sorted({item.code for item in loaded.diagnostics}),
    "manifests": len(loaded.manifests),
    "located": all(item.source is not None for item in loaded.diagnostics),
    "longest": max(map(len, rendered), default=0),
    "resident": peak(),
}))
"""


def lines(count: int, line: Callable[[int], str]) -> str:
    return "".join(line(number) + "\n" for number in range(count))


def billion_laughs() -> str:
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True):
        text += f"{name}: &{name} [" + ",".join([f"*{below}"] * 9) + "]\n"
    return text


def staircase() -> str:
    """Aliases that nest deeper and deeper, each of them at an ordinary depth."""
    text = "a0: &a0 " + "[" * 30 + "]" * 30 + "\n"
    return text + lines(499, lambda i: f"a{i + 1}: &a{i + 1} " + "[" * 30 + f"*a{i}" + "]" * 30)


def just_shallow() -> str:
    """As deep as the cheap test lets pass: only the walk over the nodes sees that it is too deep."""
    return "x:\n" + lines(31, lambda i: "  " * i + "- a:") + "  " * 31 + "- " + "[a: " * 60 + "x" + "]" * 60


Bomb = Callable[[], str | bytes]

BOMBS: dict[str, tuple[Bomb, str]] = {
    "billion laughs": (billion_laughs, "alias-expansion"),
    "long text behind aliases": (lambda: f"a: &a {'x' * 500_000}\nb: [{'*a,' * 900}]", "alias-expansion"),
    "many aliases": (lambda: f"a: &a x\nb: [{'*a,' * 100_000}]", "too-many-aliases"),
    "many aliases of a list": (lambda: f"a: &a [{'x,' * 10_000}]\nb: [{'*a,' * 900}]", "alias-expansion"),
    "alias within its own anchor": (lambda: "a: &a [*a]\nb: &b {x: *b, y: *a}", "recursive-alias"),
    "aliases that nest deeper and deeper": (staircase, "too-deep"),
    "merge keys": (lambda: "a: &a {x: 1}\n" + lines(400, lambda i: f"b{i}: &b{i}\n  <<: [*a, *a]"), "merge-key"),
    "flow lists": (lambda: "a: " + "[" * 100_000, "too-deep"),
    "flow lists on lines of their own": (lambda: "a: " + "[\n" * 100_000, "too-deep"),
    "closed flow lists": (lambda: "a: " + "[" * 100_000 + "]" * 100_000, "too-deep"),
    "flow lists as keys": (lambda: "a: " + "? [" * 100_000, "syntax"),
    "flow mappings": (lambda: "{a: " * 100_000, "too-deep"),
    "flow pairs": (lambda: "x: " + "[a: " * 100_000, "too-deep"),
    "json objects": (lambda: '{"a":' * 100_000, "too-deep"),
    "closed json objects": (lambda: '{"a":' * 100_000 + "1" + "}" * 100_000, "too-deep"),
    "block lists": (lambda: "- " * 100_000 + "a", "too-deep"),
    "block lists under a key": (lambda: "x:\n" + "- " * 100_000 + "a", "too-deep"),
    "explicit keys": (lambda: "? " * 100_000 + "a", "too-deep"),
    "explicit keys and lists": (lambda: "? - " * 100_000 + "a", "too-deep"),
    "explicit values": (lambda: "? a\n: " + "- " * 100_000, "too-deep"),
    "deep indentation": (lambda: lines(1_400, lambda i: " " * i + "a:"), "too-deep"),
    "deep indentation with lists": (lambda: lines(700, lambda i: "  " * i + "- a:"), "too-deep"),
    "as deep as the shallow test lets pass": (just_shallow, "too-deep"),
    "many keys": (lambda: lines(90_000, lambda i: f"k{i}: v"), "too-many-nodes"),
    "many items": (lambda: f"a: [{'b,' * 500_000}]", "too-many-nodes"),
    "many empty keys": (lambda: f"a: {{{'?,' * 500_000}}}", "too-many-nodes"),
    "many short pairs": (lambda: f"a: [{'b: ,' * 200_000}]", "too-many-nodes"),
    "many json values": (lambda: f'{{"a": [{"0," * 500_000}0]}}', "too-many-nodes"),
    "many values in a file": (lambda: "\n---\n".join([f"a: [{'bc,' * 45_000}]"] * 100), "too-many-nodes"),
    "many empty mappings in a file": (lambda: "\n---\n".join([f"a: [{'{},' * 90_000}]"] * 17), "too-many-nodes"),
    "duplicate keys on one long line": (lambda: f"{{{'a: b, ' * 40_000}}}", "too-many-mistakes"),
    "a huge key": (lambda: "x" * 900_000 + ": a", "syntax"),
    "a huge key twice": (lambda: f"{{? {'x' * 500_000} : 1, ? {'x' * 500_000} : 2}}", "duplicate-key"),
    "a huge tag": (lambda: f"a: !{'x' * 900_000} b", "tag"),
    "a huge anchor": (lambda: f"a: &{'x' * 900_000} b\nc: *y", "syntax"),
    "a huge integer": (lambda: "a: " + "9" * 1_000_000, "unfit-scalar"),
    "a huge number": (lambda: "a: " + "9" * 1_000_000 + ".5", "unfit-scalar"),
    "a huge document": (lambda: "a: " + "x" * 2_000_000, "document-too-large"),
    "a long broken line": (lambda: "a: b: " + "x" * 1_000_000, "syntax"),
    "a quote that is never closed": (lambda: 'a: "' + "x\n" * 500_000, "syntax"),
    "unclosed quotes in many documents": (lambda: 'a: "x\n---\n' * 9_000, "too-many-mistakes"),
    "many documents": (lambda: "---\na: 1\n" * 20_000, "too-many-documents"),
    "many empty documents": (lambda: "---\n" * 4_000_000, "too-many-documents"),
    "many ends of documents": (lambda: "...\n" * 4_000_000, "too-many-documents"),
    "many documents with other line breaks": (lambda: "---\ra: 1\r" * 20_000, "too-many-documents"),
    "a huge file": (lambda: b"#" * (17 << 20), "file-too-large"),
    "many directives": (lambda: lines(50_000, lambda i: f"%TAG !a{i}! x") + "---\na: 1", "directive"),
    "many directives behind a marker": (lambda: "---\n" + lines(50_000, lambda i: f"%TAG !a{i}! x"), "directive"),
    "many directives behind fields": (lambda: "a: 1\n" + lines(50_000, lambda i: f"%TAG !a{i}! x"), "directive"),
    "many versions": (lambda: "%YAML 1.2\n" * 100_000 + "a: 1", "directive"),
    "carriage returns": (lambda: "\r\n" * 400_000 + "\t", "syntax"),
    "colons": (lambda: ":" * 1_000_000 + " " + ": " * 1_000, "syntax"),
    "dashes": (lambda: "a: " + "-\n" * 400_000, "syntax"),
    "ampersands": (lambda: "&" * 1_000_000, "syntax"),
    "exclamation marks": (lambda: "a: " + "!" * 1_000_000, "tag"),
    "percent signs": (lambda: "%" * 1_000_000, "directive"),
    "tabs": (lambda: "a:" + "\t" * 1_000_000 + "-", "syntax"),
    "NUL bytes": (lambda: b"a: " + b"\0" * 1_000_000, "control-character"),
    "bytes that are no text": (lambda: bytes(range(256)) * 4_000, "control-character"),
    "half pairs of surrogates": (lambda: '{"a": "' + "\\ud800" * 100_000 + '"}', "syntax"),
    "control characters to drive a terminal": (lambda: "a: \x1b]0;owned\x07\x1b[2J", "control-character"),
}

HARMLESS: dict[str, Bomb] = {
    "a million spaces": lambda: "a: " + " " * 1_000_000 + "b",
    "a million blank lines": lambda: "a: b" + "\n" * 1_000_000,
    "a large block of text": lambda: "a: |\n" + "  some [text] {with} & *signs*\n" * 30_000,
    "a long comment": lambda: "#" + "x" * 1_000_000 + "\na: b",
    "the most aliases allowed": lambda: f"a: &a x\nb: [{'*a,' * 1_000}]",
    "the most documents allowed": lambda: "---\na: 1\n" * 10_000 + "---\n",
    "a full file": lambda: "---\n".join(["metadata: {labels: {a: b}}\ntext: " + "x" * 1_500 + "\n"] * 9_999),
}


def run_limited(code: str, data: str | bytes) -> subprocess.CompletedProcess[bytes]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return subprocess.run(
        [sys.executable, "-c", code],
        input=data.encode() if isinstance(data, str) else data,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=limit,
        check=False,
    )


def explode(data: str | bytes) -> dict[str, Any]:
    done = run_limited(_CHILD, data)
    assert done.returncode == 0, f"the child ended with {done.returncode}: {done.stderr[-2000:].decode()}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_bounds(name: str) -> None:
    make, code = BOMBS[name]
    answer = explode(make())
    assert code in answer["codes"]
    assert answer["located"]
    assert answer["longest"] < LONGEST_DIAGNOSTIC, "a diagnostic repeats the bomb"
    assert answer["resident"] < RESIDENT_BYTES


@pytest.mark.skipif(not HAS_LIBYAML, reason="PyYAML was built without libyaml")
def test_without_limits_the_same_text_kills_the_process() -> None:
    code = "import sys, yaml; yaml.compose(sys.stdin.buffer.read(), yaml.CSafeLoader)"
    done = run_limited(code, "- " * 100_000)
    assert done.returncode == -signal.SIGSEGV


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_a_bomb_is_loaded(name: str) -> None:
    answer = explode(HARMLESS[name]())
    assert answer["codes"] == []
    assert answer["manifests"]
    assert answer["resident"] < RESIDENT_BYTES
