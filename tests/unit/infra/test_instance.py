"""One supervisor per data folder, and a file of it that only its owner reads."""

import os
from pathlib import Path

import pytest

from infra.local import instance
from lrs.settings import Settings, load


def test_the_folder_belongs_to_one_at_a_time(tmp_path: Path) -> None:
    held = instance.lock(tmp_path)
    with pytest.raises(instance.AlreadyRunning, match=str(os.getpid())):
        instance.lock(tmp_path)
    held.close()
    instance.lock(tmp_path).close()


def test_settings_are_found_by_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("LRS_")]:
        monkeypatch.delenv(name)
    settings = Settings(data=tmp_path).model_copy(update={"dsn": "postgresql://x", "port": 1234})
    instance.write(settings, {"api": 7})
    file = tmp_path / "instance.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert instance.running(tmp_path)
    found = load(tmp_path)
    assert (found.dsn, found.port, found.data) == ("postgresql://x", 1234, tmp_path)
    monkeypatch.setenv("LRS_DSN", "postgresql://y")
    assert load(tmp_path).dsn == "postgresql://y"
    instance.remove(tmp_path)
    assert not instance.running(tmp_path)
    assert not file.exists()
