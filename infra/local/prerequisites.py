"""What must be there before anything is started, each absence told with the package that brings it.

Checks only; starts nothing and changes nothing.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from infra.local import kafka_jars
from infra.local.process import port_is_free
from lrs.settings import Settings

JAVA_AT_LEAST = 17
JAVA_PACKAGE = "openjdk-17-jre-headless"


def missing(settings: Settings) -> list[str]:
    """Returns one sentence for each thing that is missing; none if `lrs up` can start."""
    problems = [_data(settings.data)]
    if not settings.kafka:
        problems += [_java(), _jars(settings)]
    if not settings.dsn and os.geteuid() == 0 and shutil.which("setpriv") is None:
        problems.append("setpriv is missing: install the Debian package util-linux.")
    if settings.port and not port_is_free(settings.port, settings.host):
        problems.append(
            f"Port {settings.port} of {settings.host} is in use: choose another with --port"
            " (0 takes a free one)."
        )
    return [problem for problem in problems if problem]


def _data(data: Path) -> str:
    nearest = next(folder for folder in (data, *data.parents) if folder.exists())
    if not nearest.is_dir():
        return f"{nearest} is not a folder: choose another with --data."
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{nearest} cannot be written by this user: choose another folder with --data."
    return ""


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        return f"java is missing (for Kafka): install the Debian package {JAVA_PACKAGE}."
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if not found or int(found[1]) < JAVA_AT_LEAST:
        version = found[1] if found else "unknown"
        return (
            f"java is version {version}, Kafka needs {JAVA_AT_LEAST} or newer:"
            f" install the Debian package {JAVA_PACKAGE}."
        )
    return ""


def _jars(settings: Settings) -> str:
    jars = settings.kafka_jars or kafka_jars.folder()
    if kafka_jars.present(jars) or shutil.which("mvn"):
        return ""
    return "mvn is missing (it fetches Kafka's jars once): install the Debian package maven."
