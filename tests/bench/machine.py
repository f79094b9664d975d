"""On what the numbers were measured."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from infra.local.postgres import SETTINGS, VERSION
from tests.bench.place import WORKERS

PACKAGES = ("eventsourcing", "psycopg", "granian", "flask", "pydantic", "cryptography", "zstandard")
TOLD = ("fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "wal_compression")


def facts() -> str:
    """Returns machine, load, versions and settings in a few lines."""
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    loads = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    settings = ", ".join(f"{name} {SETTINGS[name]}" for name in TOLD)
    commit = subprocess.run(
        ["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return (
        f"Machine: {cpu}, {cores} cores, {memory:.0f} GiB, {platform.system()}"
        f" {platform.release()}. Load at the start (1, 5, 15 minutes): {loads}.\n"
        f"Versions: Kumbuka LRS {commit or version('kumbuka-lrs')}, Python"
        f" {platform.python_version()}, PostgreSQL {VERSION}, {packages}.\n"
        f"Settings: {settings}; API processes {WORKERS}."
    )
