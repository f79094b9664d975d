"""`@xapi/xapi` and TinCanJS from npm, unmodified, run by node: what they do is in `node/`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import Endpoint

HERE = Path(__file__).parent / "node"
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")),
    reason="node or npm is not installed (Debian packages nodejs and npm)",
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the lock file and our scripts; no package's scripts run."""
    folder = tmp_path_factory.mktemp("node") / "clients"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules"))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and any(code in done.stderr for code in UNREACHABLE):
        pytest.skip("npm cannot reach its registry")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("script", sorted(file.name for file in HERE.glob("*.test.mjs")))
def test_client(packages: Path, endpoint: Endpoint, script: str) -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", script],
        cwd=packages,
        env={
            "PATH": os.environ["PATH"],
            "URL": endpoint.url,
            "KEY": endpoint.key,
            "SECRET": endpoint.secret,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass 0" not in done.stdout
