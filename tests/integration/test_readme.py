"""The README's commands, run as a newcomer types them, against an instance of their own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """`make run` without the environment's set-up: everything started, the demo loaded."""
    folder = tmp_path_factory.mktemp("readme")
    ready = folder / "ready.json"
    log = (folder / "up.log").open("wb")
    command = [sys.executable, "-m", "infra.cli", "up", "--data", str(folder / "var")]
    up = subprocess.Popen(
        [*command, "--port", "0", "--ready-file", str(ready)], stdout=log, stderr=log, cwd=ROOT
    )
    try:
        deadline = time.monotonic() + 240
        while not (ready.exists() and "demo course is loaded" in (folder / "up.log").read_text()):
            assert up.poll() is None, (folder / "up.log").read_text()
            assert time.monotonic() < deadline, (folder / "up.log").read_text()
            time.sleep(0.5)
        yield json.loads(ready.read_text())
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(30)


def test_the_commands_of_the_readme_work(instance: dict[str, Any]) -> None:
    """In one shell, in order; a command that fails ends it."""
    assert COMMANDS.count("\n") >= 5
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", COMMANDS],
        cwd=Path(instance["data"]).parent,
        env={
            **os.environ,
            "LRS_DATA": instance["data"],
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        '"learners":200',
        '"reasons":[{"code":',
        '"sigma":',
        "Nothing was changed.",
        '"signature":',
        '{"statements":[]}',
        "0 refused",
    ):
        assert said in done.stdout, f"{said} is not in:\n{done.stdout}"


def test_make_run_is_what_the_test_starts() -> None:
    """The README names `make run`, and that runs `lrs up`."""
    assert "make run" in README
    planned = subprocess.run(
        ["make", "-n", "run"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "lrs up" in planned.stdout
