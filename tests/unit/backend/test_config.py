"""Configuration: precedence, provenance, strictness, and edits that keep the rest of the file."""

from __future__ import annotations

import logging
import pickle
import stat
from pathlib import Path

import pytest

from stigmer.backend import config
from stigmer.backend.config import Config, Source
from stigmer.errors import FailedPrecondition, InvalidArgument


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def write(home: Path, text: str, mode: int = 0o600) -> Path:
    home.mkdir(mode=0o700, exist_ok=True)
    file = home / "config.yaml"
    file.write_text(text)
    file.chmod(mode)
    return file


def load(home: Path, flags: dict[str, str | None] | None = None, **environ: str) -> Config:
    return config.load(flags=flags, environ={"STIGMER_HOME": str(home), **environ})


def refusal(home: Path, text: str) -> InvalidArgument:
    write(home, text)
    with pytest.raises(InvalidArgument) as caught:
        load(home)
    return caught.value


def test_without_a_file_everything_is_local(home: Path) -> None:
    loaded = load(home)
    assert (loaded.backend_type, loaded.data_dir, loaded.engine) == ("local", home / "data", "lmdb")
    assert {value.source for value in loaded} == {Source.DEFAULT}


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(home: Path, tmp_path: Path) -> None:
    key = "backend.local.data_dir"
    file = write(home, "backend:\n  local:\n    data_dir: /file\n")
    seen = [
        load(home, {key: "/flag"}, STIGMER_DATA_DIR="/env").get(key),
        load(home, {key: None}, STIGMER_DATA_DIR="/env").get(key),
        load(home, STIGMER_DATA_DIR="").get(key),
        load(tmp_path / "other").get(key),
    ]
    assert [(value.text, value.source, value.origin) for value in seen] == [
        ("/flag", Source.FLAG, "--data-dir"),
        ("/env", Source.ENVIRONMENT, "STIGMER_DATA_DIR"),
        ("/file", Source.FILE, f"{file}:3"),
        (str(tmp_path / "other" / "data"), Source.DEFAULT, ""),
    ]


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("STIGMER_BACKEND", "cloud", "backend.type"),
        ("STIGMER_DATA_DIR", "/d", "backend.local.data_dir"),
        ("STIGMER_ENDPOINT", "api:443", "backend.cloud.endpoint"),
        ("STIGMER_TOKEN", "stg_x", "backend.cloud.token"),
        ("STIGMER_ORG", "acme", "backend.cloud.organization"),
        ("STIGMER_LOG_LEVEL", "debug", "log_level"),
    ],
)
def test_each_variable_sets_its_key(home: Path, variable: str, value: str, key: str) -> None:
    assert load(home, **{variable: value}).get(key).text == value


def test_older_names_are_understood(home: Path) -> None:
    write(home, "backend:\n  type: cloud\n  local: {db_path: /old}\n  cloud:\n    org_id: acme\n")
    loaded = load(home)
    assert (str(loaded.data_dir), loaded.organization) == ("/old", "acme")


def test_paths_are_made_absolute_from_where_they_were_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/users/ana")
    monkeypatch.chdir(tmp_path)
    write(home, "backend: {local: {data_dir: rel/../data}}")
    assert load(home).data_dir == home / "data"
    assert load(home, STIGMER_DATA_DIR="./here").data_dir == tmp_path / "here"
    assert load(home, STIGMER_DATA_DIR="~/stig").data_dir == Path("/users/ana/stig")
    assert config.load(environ={}).home == Path("/users/ana/.stigmer")


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "backend:\n", "backend:\n  local:\n  cloud: ~\n", "﻿backend:\r\n"]
)
def test_empty_files_and_sections_stand_for_defaults(home: Path, text: str) -> None:
    write(home, text)
    assert load(home).backend_type == "local"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("bakend: {}\n", ":1:1: unknown setting bakend; did you mean backend?", "valid here: backend, log_level"),
        (
            "backend:\n  local:\n    data_dri: /x\n",
            ":3:5: unknown setting backend.local.data_dri; did you mean data_dir?",
            "valid here: data_dir, engine",
        ),
        ("backend:\n  type: locl\n", ":2:9: backend.type cannot be 'locl'; did you mean local?", "local, cloud"),
        ("backend:\n  local: {engine: sqlit}\n", ":2:19: backend.local.engine cannot be 'sqlit'; did", "lmdb, sqlite"),
        ("backend:\n  type: [local]\n", ":2:9: backend.type must be a string", ""),
        (
            "backend:\n  cloud:\n    organization: 12\n",
            ':3:19: backend.cloud.organization must be a string: write "12"',
            "",
        ),
        ("backend: local\n", ":1:10: backend must be a map of settings", "type, local, cloud"),
        ("- backend\n", ":1:1: a configuration must be a map of settings", ""),
        ("backend: {type: local}\nbackend: {}\n", ":2:1: backend is given twice", ""),
        (
            "backend:\n  local:\n    data_dir: /a\n    db_path: /b\n",
            ":4:5: db_path is the same setting as on line 3",
            "",
        ),
        ("backend:\n  type: 'local\n", ":3:1: not YAML: found unexpected end of stream", ""),
        ("backend:\n\ttype: local\n", ":2:1: not YAML: found character", ""),
        ("a: 1\n---\nb: 2\n", ":2:1: not YAML: but found another document", ""),
        ("backend:\n  type: lo\0cal\n", ":2: not YAML: special characters are not allowed", ""),
        ("? [a, b]\n: 1\n", "unknown setting (a list or map)", ""),
        ("a: &x {b: *x}\n", "unknown setting a", ""),
        ("[" * 5000, "nested too deeply", ""),
        ("#" * 70_000, "larger than 64 KiB", ""),
    ],
    ids=lambda value: None if isinstance(value, int) else str(value)[:24].encode("unicode_escape").decode(),
)
def test_what_is_not_a_configuration_is_refused_with_its_place(home: Path, text: str, message: str, hint: str) -> None:
    error = refusal(home, text)
    assert f"{home}/config.yaml" in error.message
    assert message in error.message
    assert hint in error.hint


def test_bytes_that_are_not_text_are_refused_with_their_line(home: Path) -> None:
    write(home, "").write_bytes(b"backend:\n  type: \xff\n")
    with pytest.raises(InvalidArgument, match=r"config\.yaml:2: not UTF-8 text"):
        load(home)


def test_a_folder_in_the_files_place_is_refused(home: Path) -> None:
    (home / "config.yaml").mkdir(parents=True)
    with pytest.raises(FailedPrecondition, match=r"cannot read .*config.yaml: Is a directory"):
        load(home)


def test_a_wrong_variable_is_named(home: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"STIGMER_BACKEND: backend.type cannot be 'remote'"):
        load(home, STIGMER_BACKEND="remote")


def test_a_token_is_not_taken_from_the_command_line(home: Path) -> None:
    with pytest.raises(InvalidArgument, match="not taken from the command line"):
        load(home, {"backend.cloud.token": "stg_x"})


def test_a_token_is_masked_wherever_it_could_be_seen(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    loaded = load(home, STIGMER_TOKEN="stg_canary")
    logging.getLogger("test").warning("%s %r", loaded, loaded.token)
    shown = f"{loaded} {loaded!r} {loaded.get('backend.cloud.token')} {loaded.token:>20} {caplog.text}"
    assert "canary" not in shown
    assert str(loaded.get("backend.cloud.token")) == "••••"
    assert loaded.token.reveal() == "stg_canary"
    with pytest.raises(TypeError):
        pickle.dumps(loaded.token)


def test_a_token_that_others_can_read_is_warned_about(home: Path) -> None:
    write(home, "backend: {cloud: {token: stg_x}}", 0o644)
    assert ["chmod 600" in warning for warning in load(home).warnings] == [True]
    write(home, "backend: {cloud: {token: stg_x}}", 0o600)
    assert load(home).warnings == ()


def test_an_unknown_key_is_refused_with_the_nearest(home: Path) -> None:
    with pytest.raises(
        InvalidArgument, match=r"unknown setting backend.local.datadir; did you mean backend.local.data_dir"
    ):
        load(home).get("backend.local.datadir")
    with pytest.raises(InvalidArgument, match=r"backend.local is a section") as caught:
        load(home).get("backend.local")
    assert "backend.local.engine" in caught.value.hint


def test_the_first_setting_makes_the_file_for_its_owner_only(home: Path) -> None:
    stored = config.store(load(home), "backend.type", "cloud")
    assert stored.origin == f"{home}/config.yaml:2"
    assert (home / "config.yaml").read_text() == "backend:\n  type: cloud\n"
    assert stat.S_IMODE((home / "config.yaml").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        (
            "# mine\nbackend:  # where\n  type: local  # for now\nlog_level: info\n",
            "backend.type",
            "cloud",
            "# mine\nbackend:  # where\n  type: cloud  # for now\nlog_level: info\n",
        ),
        (
            "backend:\n    local:\n        engine: lmdb  # fast\n\n# end\nlog_level: info\n",
            "backend.local.data_dir",
            "/new",
            "backend:\n    local:\n        engine: lmdb  # fast\n        data_dir: /new\n\n# end\nlog_level: info\n",
        ),
        ("backend: {type: local}", "backend.cloud.endpoint", "a:1", 'backend: {type: local, cloud: {endpoint: "a:1"}}'),
        ("backend:\n  local: {}\n", "backend.local.engine", "lmdb", "backend:\n  local: {engine: lmdb}\n"),
        ("backend:\n  cloud:\n", "backend.cloud.token", "stg_1", "backend:\n  cloud: {token: stg_1}\n"),
        (
            "backend:\n  local:\n    db_path: /a # x\n",
            "backend.local.data_dir",
            "/b",
            "backend:\n  local:\n    db_path: /b # x\n",
        ),
        ("# only a comment", "log_level", "debug", "# only a comment\nlog_level: debug\n"),
        ("log_level:\n", "log_level", "debug", "log_level: debug\n"),
        ("log_level: info\r\n", "log_level", "debug", "log_level: debug\r\n"),
        ("backend: &b\n  type: local\n", "backend.type", "cloud", "backend: &b\n  type: cloud\n"),
        (
            "log_level: info",
            "backend.cloud.organization",
            "no",
            'log_level: info\nbackend:\n  cloud:\n    organization: "no"\n',
        ),
    ],
)
def test_a_set_value_leaves_the_rest_of_the_file_as_it_is(
    home: Path, before: str, key: str, value: str, after: str
) -> None:
    file = home / "config.yaml"
    home.mkdir()
    file.write_bytes(before.encode())
    config.store(load(home), key, value)
    assert file.read_bytes().decode() == after
    assert load(home).get(key).text == value


def test_a_file_that_no_edit_can_keep_is_written_anew_with_all_its_settings(home: Path) -> None:
    write(home, "backend: {type: local,\n  local: {engine: &e lmdb}}\nlog_level: info # c\n...\n")
    config.store(load(home), "backend.cloud.endpoint", "x:1")
    config.store(load(home), "log_level", "error")
    loaded = load(home)
    assert (loaded.endpoint, loaded.log_level, loaded.engine) == ("x:1", "error", "lmdb")


@pytest.mark.parametrize(
    "value", ["plain", "no", "1e3", "null", "~", "a: b", "# c", '"', "'", "é ", "{x}", "- a", "0777", "=", "<<"]
)
def test_any_single_line_text_comes_back_as_it_was_set(home: Path, value: str) -> None:
    config.store(load(home), "backend.cloud.organization", value)
    config.store(load(home), "backend.cloud.endpoint", "e:1")
    assert load(home).organization == value


def test_a_wrong_value_is_refused_and_the_file_stays(home: Path) -> None:
    file = write(home, "log_level: info\n")
    with pytest.raises(InvalidArgument, match=r"backend.local.engine"):
        config.store(load(home), "backend.local.engine", "rocksdb")
    with pytest.raises(InvalidArgument, match="single line"):
        config.store(load(home), "backend.cloud.endpoint", "a\nb")
    assert file.read_text() == "log_level: info\n"


def test_a_relative_path_is_stored_from_the_working_directory(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config.store(load(home), "backend.local.data_dir", "here")
    assert load(home).data_dir == tmp_path / "here"


def test_a_symbolic_link_to_the_file_is_kept(home: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.yaml"
    real.write_text("log_level: info\n")
    home.mkdir()
    (home / "config.yaml").symlink_to(real)
    config.store(load(home), "log_level", "error")
    assert (home / "config.yaml").is_symlink()
    assert real.read_text() == "log_level: error\n"


def test_a_file_that_cannot_be_written_is_a_clear_error(home: Path, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    loaded = load(home)
    broken = Config(blocker, blocker / "sub" / "config.yaml", loaded.values)
    with pytest.raises(FailedPrecondition, match=r"cannot (read|write) .*sub/config.yaml: Not a directory"):
        config.store(broken, "log_level", "error")
