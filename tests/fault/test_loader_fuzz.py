"""R9: coverage-guided fuzzing of the loader. Needs the extra `fuzz`; docs/testing.md has the command."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = int(os.environ.get("STIGMER_FUZZ_SECONDS", "60"))

TARGET = """
import sys
import atheris
with atheris.instrument_imports(include=["manifests"]):
    from manifests import parse, render

def once(data):
    for manifest in parse(data, "fuzz.yaml").documents:
        again = parse(render([manifest.value]).encode(), "again.yaml")
        assert not again.diagnostics, again.diagnostics
        assert again.documents[0].value == manifest.value

atheris.Setup(sys.argv, once)
atheris.Fuzz()
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_no_input_crashes_the_loader(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, example in enumerate(sorted((ROOT / "examples").rglob("*.yaml"))):
        (corpus / str(number)).write_bytes(example.read_bytes())
    script = tmp_path / "fuzz.py"
    script.write_text(TARGET)
    limits = ["-rss_limit_mb=512", "-timeout=5", "-max_len=4096", f"-max_total_time={SECONDS}"]
    done = subprocess.run(
        [sys.executable, script, *limits, corpus],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
