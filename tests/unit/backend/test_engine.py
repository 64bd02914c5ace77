"""Which engine a data folder is of, and what becomes of the configuration when it changes. The conversion itself is
tested under tests/fault and tests/e2e."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stigmer.backend.config import load
from stigmer.backend.engine_setting import adopt_engine, agreed
from stigmer.backend.marker import engine_of
from stigmer.errors import FailedPrecondition


def mark(folder: Path, engine: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "store.json").write_text(json.dumps({"store_id": "0" * 32, "engine": engine, "format": 1}))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"engine": 1}', "\0", '{"engine": "lmdb'])
def test_a_marker_that_says_nothing_names_no_engine(tmp_path: Path, text: str) -> None:
    (tmp_path / "store.json").write_text(text)
    assert engine_of(tmp_path) == ""
    assert engine_of(tmp_path / "nowhere") == ""


def test_a_marker_names_its_engine(tmp_path: Path) -> None:
    mark(tmp_path, "sqlite")
    assert engine_of(tmp_path) == "sqlite"


@pytest.mark.parametrize("text", ["", "# mine\nbackend:\n  local:\n    engine: lmdb  # for now\n"])
def test_the_file_is_changed_to_fit_and_otherwise_stays(tmp_path: Path, text: str) -> None:
    environ = {"STIGMER_HOME": str(tmp_path)}
    if text:
        (tmp_path / "config.yaml").write_text(text)
    assert adopt_engine(load(environ=environ), "sqlite") == (True, "")
    assert load(environ=environ).engine == "sqlite"
    if text:
        assert (tmp_path / "config.yaml").read_text() == text.replace("lmdb", "sqlite")
    assert adopt_engine(load(environ=environ), "lmdb") == (True, "")
    assert load(environ=environ).engine == "lmdb"


def test_nothing_is_written_where_the_configuration_fits(tmp_path: Path) -> None:
    assert adopt_engine(load(environ={"STIGMER_HOME": str(tmp_path)}), "lmdb") == (False, "")
    assert list(tmp_path.iterdir()) == []


def test_a_variable_above_the_file_is_for_the_user_to_change(tmp_path: Path) -> None:
    environ = {"STIGMER_HOME": str(tmp_path), "STIGMER_ENGINE": "sqlite"}
    assert load(environ=environ).engine == "sqlite"
    assert adopt_engine(load(environ=environ), "lmdb") == (False, "set STIGMER_ENGINE to lmdb")
    assert list(tmp_path.iterdir()) == []


def test_the_file_stays_as_its_own_data_folder_needs_it(tmp_path: Path) -> None:
    environ = {"STIGMER_HOME": str(tmp_path / "home"), "STIGMER_DATA_DIR": str(tmp_path / "other")}
    mark(tmp_path / "home" / "data", "lmdb")
    changed, advice = adopt_engine(load(environ=environ), "sqlite")
    assert (changed, advice) == (False, f"set STIGMER_ENGINE to sqlite for commands on {tmp_path / 'other'}")
    assert not (tmp_path / "home" / "config.yaml").exists()


@pytest.mark.parametrize("own", ["", "sqlite"])
def test_the_file_follows_another_folder_when_its_own_does_not_mind(tmp_path: Path, own: str) -> None:
    environ = {"STIGMER_HOME": str(tmp_path / "home"), "STIGMER_DATA_DIR": str(tmp_path / "other")}
    if own:
        mark(tmp_path / "home" / "data", own)
    assert adopt_engine(load(environ=environ), "sqlite") == (True, "")
    assert load(environ=environ).engine == "sqlite"


def test_a_file_that_cannot_be_written_is_for_the_user_to_change(tmp_path: Path) -> None:
    config = load(environ={"STIGMER_HOME": str(tmp_path / "home")})
    (tmp_path / "home").write_text("")
    changed, advice = adopt_engine(config, "sqlite")
    assert (changed, advice) == (False, "stigmer config set backend.local.engine sqlite")


def test_a_program_that_waited_for_a_conversion_uses_the_engine_that_it_left(tmp_path: Path) -> None:
    waiting = load(environ={"STIGMER_HOME": str(tmp_path)})
    mark(waiting.data_dir, "sqlite")
    assert adopt_engine(waiting, "sqlite") == (True, "")
    assert agreed(waiting).engine == "sqlite"


def test_a_store_of_another_engine_is_refused_with_commands_that_help(tmp_path: Path) -> None:
    own, other = tmp_path / "data", tmp_path / "other one"
    mark(own, "lmdb")
    mark(other, "sqlite")
    environ = {"STIGMER_HOME": str(tmp_path)}
    with pytest.raises(FailedPrecondition) as refused:
        agreed(load(environ=environ, flags={"backend.local.data_dir": str(other)}))
    assert refused.value.hint == (
        f"to convert it: stigmer --data-dir '{other}' local convert --to lmdb; "
        f"to use it as it is: set STIGMER_ENGINE to sqlite for commands on {other}"
    )
    with pytest.raises(FailedPrecondition) as refused:
        agreed(load(environ={**environ, "STIGMER_ENGINE": "sqlite"}))
    assert refused.value.hint == (
        "to convert it: stigmer local convert --to sqlite; to use it as it is: set STIGMER_ENGINE to lmdb"
    )
