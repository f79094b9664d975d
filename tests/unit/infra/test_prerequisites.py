"""What is missing is named, with the package that brings it."""

import socket
from pathlib import Path

import pytest

from infra.local import kafka_jars, prerequisites
from lrs.settings import Settings


def settings(data: Path, **more: object) -> Settings:
    return Settings.model_validate({"data": data, "port": 0, **more})


def test_nothing_is_missing_here(tmp_path: Path) -> None:
    assert prerequisites.missing(settings(tmp_path / "new" / "data")) == []


def test_missing_programs_are_named_with_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(kafka_jars.VARIABLE, str(tmp_path / "none"))
    told = " ".join(prerequisites.missing(settings(tmp_path)))
    assert "openjdk-17-jre-headless" in told
    assert "maven" in told
    external = prerequisites.missing(settings(tmp_path, kafka="127.0.0.1:1", dsn="postgresql://"))
    assert external == []


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(java) if name == "java" else None)
    (problem,) = [p for p in prerequisites.missing(settings(tmp_path)) if "java" in p]
    assert "version 8" in problem


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (problem,) = prerequisites.missing(settings(tmp_path, port=port))
    assert str(port) in problem
    assert "--port" in problem


def test_data_that_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    (problem,) = prerequisites.missing(settings(file / "data"))
    assert "not a folder" in problem
