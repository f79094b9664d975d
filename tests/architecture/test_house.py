"""The house rules that a machine can check: sizes, first lines, packaging, rooms."""

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import median

import pytest

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


def test_every_event_has_a_topic_of_its_own() -> None:
    """Module paths must never become stored data."""
    topics: list[str] = []
    for file in (ROOT / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id.endswith("Event") for base in node.bases
            ):
                assigned = [
                    item.value.value
                    for item in node.body
                    if isinstance(item, ast.AnnAssign)
                    and isinstance(item.target, ast.Name)
                    and item.target.id == "TOPIC"
                    and isinstance(item.value, ast.Constant)
                ]
                if node.name == "Event" or node.name.startswith("_"):
                    continue
                assert assigned, f"{file.name}: {node.name} has no TOPIC"
                topics += [str(value) for value in assigned]
    assert topics
    script = f"import lrs.mapper; [lrs.mapper.resolve_topic(t) for t in {topics!r}]"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert len(topics) == len(set(topics))
