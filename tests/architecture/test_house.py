"""The house rules that a machine can check: sizes, first lines, packaging, rooms."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import median

import pytest

from domain.events import Event
from lrs.topics import register

ROOT = Path(__file__).parents[2]
PACKAGES = ("lrs", "domain", "projections", "stream_processors", "api", "clickhouse", "infra")
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def test_files_are_short() -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in FILES}
    assert {str(f): n for f, n in lengths.items() if n > 400} == {}
    assert median(lengths.values()) <= 150


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_says_what_lives_there(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text()))


@pytest.mark.parametrize("package", PACKAGES)
def test_each_root_belongs_to_us_alone(package: str) -> None:
    assert set(packages_distributions()[package]) == {"kumbuka-lrs"}


def kinds(of: type[Event]) -> Iterator[type[Event]]:
    """Yields the events of the domain that can be recorded: classes that no other is made of."""
    for kind in of.__subclasses__():
        yield from kinds(kind)
        if not kind.__subclasses__() and kind.__module__.startswith("domain."):
            yield kind


def test_every_event_has_a_topic_of_its_own() -> None:
    """Module paths must never become stored data."""
    register()
    found = list(kinds(Event))
    assert [kind for kind in found if "TOPIC" not in vars(kind)] == []
    topics = [kind.TOPIC for kind in found]
    assert topics
    script = f"import lrs.mapper; [lrs.mapper.resolve_topic(t) for t in {topics!r}]"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert len(topics) == len(set(topics))
