"""Runs the ADL conformance suite against this tree: `make conformance SUITE=checkout`.

The suite (adlnet/lrs-conformance-test-suite, its packages installed with `npm ci`) stays where it
is. Each version runs against `lrs up`, whose default version it is; data stays between the two.
Ends with 0 only if every planned test passed: the suite's own exit code does not tell.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

COMMIT = "2ec25f2e"
PLANNED = {"1.0.3": 1365, "2.0.0": 1442}
FOLDERS = {"1.0.3": "v1_0_3", "2.0.0": "v2_0"}
AT_ONCE = 4
READY_SECONDS = 180


@dataclass(frozen=True)
class Outcome:
    """What one run came to: tests that passed, and the titles of those that did not."""

    passed: int
    failed: list[str]


@dataclass(frozen=True)
class Server:
    """A running instance: the data folder, the address, and a tool's credential."""

    data: Path
    xapi: str
    key: str
    secret: str


@contextmanager
def running(data: Path, version: str) -> Iterator[Server]:
    """Gives an `lrs up` whose default version is `version`, and stops it in the end."""
    ready = data / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "infra.cli", "up", "--data", data, "--port", "0"]
    with (data / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--no-demo", "--ready-file", ready],
            env={**os.environ, "LRS_DEFAULT_XAPI_VERSION": version},
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + READY_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"lrs up did not start: {(data / 'up.log').read_text()}")
            time.sleep(0.2)
        told = json.loads(ready.read_bytes())
        tool = told["credentials"]["tool"]
        yield Server(data, told["xapi_url"].rstrip("/"), tool["key"], tool["secret"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def whole(suite: Path, server: Server, version: str) -> Outcome:
    """Runs a version as the suite's own console runner does."""
    command = ["node", "bin/console_runner.js", "-x", version, "-e", server.xapi, "-a", "-z"]
    done = subprocess.run(
        [*command, f"--authUser={server.key}", f"--authPassword={server.secret}"],
        cwd=suite,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    summary = json.loads(next(line for line in reversed(lines) if line.startswith('{"total"')))
    log = next((line.split()[-1] for line in lines if "log written to" in line), "")
    failed = _failed(json.loads(Path(log).read_bytes()).get("log")) if log else []
    return Outcome(summary["passed"], failed)


def file_by_file(suite: Path, server: Server, version: str) -> Outcome:
    """Runs the files of a version, several at once."""
    folder = suite / "test" / FOLDERS[version]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        done = list(
            threads.map(
                lambda file: _one_file(suite, server, version, file), sorted(folder.glob("*.js"))
            )
        )
    return Outcome(sum(one.passed for one in done), [title for one in done for title in one.failed])


def _one_file(suite: Path, server: Server, version: str, file: Path) -> Outcome:
    own = Path(__file__).with_name("one_file.js")
    command = ["node", "node_modules/mocha/bin/_mocha", "--reporter", "tap", "--timeout", "15000"]
    done = subprocess.run(
        [*command, own, file],
        cwd=suite,
        env={
            **os.environ,
            "DIRECTORY": FOLDERS[version],
            "XAPI_VERSION": version,
            "LRS_ENDPOINT": server.xapi,
            "BASIC_AUTH_ENABLED": "true",
            "BASIC_AUTH_USER": server.key,
            "BASIC_AUTH_PASSWORD": server.secret,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    passed = sum(line.startswith("ok ") for line in lines)
    return Outcome(passed, [line for line in lines if line.startswith("not ok ")])


def erase_somebody(server: Server) -> None:
    """Records a person whom no test knows, and erases them."""
    somebody = {"account": {"homePage": "https://conformance.example", "name": str(uuid4())}}
    statement = {
        "actor": somebody,
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": "https://conformance.example/course"},
    }
    pair = b64encode(f"{server.key}:{server.secret}".encode()).decode()
    request = urllib.request.Request(
        f"{server.xapi}/statements",
        json.dumps(statement).encode(),
        {
            "Authorization": f"Basic {pair}",
            "Content-Type": "application/json",
            "X-Experience-API-Version": "2.0.0",
        },
    )
    urllib.request.urlopen(request, timeout=30).close()
    command = [sys.executable, "-m", "infra.cli", "erase", "--data", server.data]
    subprocess.run([*command, "--actor", json.dumps(somebody)], check=True, capture_output=True)


def _failed(test: dict[str, Any] | None) -> list[str]:
    if not test:
        return []
    inner = [title for one in test.get("tests", []) for title in _failed(one)]
    return inner or [test["title"]]


def _check(suite: Path) -> None:
    if shutil.which("node") is None:
        raise SystemExit("node is missing: the suite needs Node.js 18 or newer")
    if not (suite / "bin" / "console_runner.js").exists():
        raise SystemExit(f"{suite} is no checkout of adlnet/lrs-conformance-test-suite")
    if not (suite / "node_modules").exists():
        raise SystemExit(f"its packages are missing: run `npm ci` in {suite}")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=suite, capture_output=True, text=True, check=False
    ).stdout
    if not head.startswith(COMMIT):
        print(f"note: {suite} is not at commit {COMMIT}, whose tests were counted", flush=True)


def main() -> int:
    """Returns 0 if every planned test of every run passed."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("suite", type=Path, help="checkout of the suite, packages installed")
    parser.add_argument("--version", choices=PLANNED, action="append", help="default: both")
    parser.add_argument("--times", type=int, default=1, help="runs of each version")
    parser.add_argument("--at-once", action="store_true", help=f"{AT_ONCE} test files at once")
    parser.add_argument("--erase", action="store_true", help="and again after an erasure")
    asked = parser.parse_args()
    suite = asked.suite.resolve()
    _check(suite)
    run = file_by_file if asked.at_once else whole
    good = True
    with tempfile.TemporaryDirectory(prefix="kumbuka-conformance-") as folder:
        for version in asked.version or PLANNED:
            with running(Path(folder), version) as server:
                for number in range(asked.times + asked.erase):
                    if number == asked.times:
                        erase_somebody(server)
                    started = time.monotonic()
                    outcome = run(suite, server, version)
                    seconds = time.monotonic() - started
                    planned = PLANNED[version]
                    print(
                        f"xAPI {version}: {outcome.passed} of {planned} tests passed"
                        f" in {seconds:.0f} s{', after an erasure' * (number == asked.times)}",
                        *(f"  failed: {title}" for title in outcome.failed),
                        sep="\n",
                        flush=True,
                    )
                    good = good and outcome.passed == planned and not outcome.failed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
