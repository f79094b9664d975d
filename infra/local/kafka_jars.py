"""Kafka's published jars: where they are kept, how they are fetched once, how we know they are all
there. `pom.xml` beside this file says which. Starts no broker (`infra.local.kafka`).

`python -m infra.local.kafka_jars` fetches them if they are missing; `make setup` does that.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson

POM = Path(__file__).with_name("pom.xml")
MARKER = "complete.json"
NEEDED = ("kafka_2.13-", "kafka-server-", "kafka-clients-", "log4j-core-", "scala-library-")
VARIABLE = "LRS_KAFKA_JARS"


class JarsMissing(RuntimeError):
    """The jars could not be fetched; the message says what to do."""


def folder() -> Path:
    """Returns where the jars belong: LRS_KAFKA_JARS, else the checkout's `.kafka`, else a cache."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).absolute()
    root = Path(__file__).parents[2]
    if (root / "pyproject.toml").exists():
        return root / ".kafka"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "kumbuka" / "kafka"


def present(jars: Path) -> bool:
    """Returns whether `jars` holds every jar of a fetch with the present pom, whole.

    In a folder that somebody else filled (no marker), the jars that matter are enough.
    """
    marker = jars / MARKER
    if not marker.exists():
        names = [path.name for path in jars.glob("*.jar")]
        return all(any(name.startswith(start) for name in names) for start in NEEDED)
    fetched = orjson.loads(marker.read_bytes())
    if fetched["pom"] != POM.read_text():
        return False
    sizes = {path.name: path.stat().st_size for path in jars.glob("*.jar")}
    return all(sizes.get(name) == size for name, size in fetched["jars"].items())


def ensure(jars: Path | None = None) -> Path:
    """Returns the folder of the jars, fetching them first if one is missing.

    Raises JarsMissing when Maven is absent or what it brought is not whole. The folder is filled
    aside and renamed, so that a fetch that was cut short is never taken for a finished one.
    """
    jars = jars or folder()
    if present(jars):
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsMissing("Kafka's jars are fetched by mvn: install the Debian package maven")
    fresh = jars.with_name(f"{jars.name}.{os.getpid()}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        _fetch(maven, fresh)
        shutil.rmtree(jars, ignore_errors=True)
        fresh.rename(jars)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return jars


def _fetch(maven: str, target: Path) -> None:
    # A copy of the pom in a folder of its own: Maven writes beside it.
    pom = target / "pom.xml"
    shutil.copyfile(POM, pom)
    command = [
        *(maven, "--batch-mode", "--quiet", "-f", str(pom), "dependency:copy-dependencies"),
        *(f"-DoutputDirectory={target}", "-DincludeScope=runtime"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    pom.unlink()
    # Maven may end with 0 though it failed, so what counts is what lies there.
    found = sorted(target.glob("*.jar"))
    broken = [path.name for path in found if not zipfile.is_zipfile(path)]
    if done.returncode != 0 or broken or not present(target):
        report = (done.stdout + done.stderr).strip()[-2000:]
        raise JarsMissing(f"mvn could not fetch Kafka's jars (broken: {broken}): {report}")
    sizes = {path.name: path.stat().st_size for path in found}
    (target / MARKER).write_bytes(orjson.dumps({"pom": POM.read_text(), "jars": sizes}))


if __name__ == "__main__":
    try:
        sys.stdout.write(f"Kafka's jars are in {ensure()}\n")
    except JarsMissing as error:
        sys.exit(str(error))
