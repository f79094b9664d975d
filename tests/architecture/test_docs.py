"""The documentation says what the code does: settings, columns, decisions, links."""

import re
from pathlib import Path

import pytest

from infra.cli.settings import table
from lrs.settings import Settings
from tests.architecture.data_model import tables

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_every_setting_is_documented() -> None:
    """`lrs settings --markdown` prints the table to put there."""
    assert table() in (ROOT / "docs" / "settings.md").read_text()


def test_every_column_says_what_it_is(settings: Settings) -> None:
    silent = [line for line in tables(settings.admin_dsn).splitlines() if line.endswith("|  |")]
    assert silent == []


def test_the_data_model_is_that_of_the_database(settings: Settings) -> None:
    """`python -m tests.architecture.data_model DSN` prints the tables to put there."""
    assert tables(settings.admin_dsn) in (ROOT / "docs" / "data-model.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target and not target.startswith("/"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda p: p.stem)
def test_a_decision_has_its_parts(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {int(page.name[:4])}. ")
    for part in ("**Context.**", "**Decision.**", "**Rejected.**"):
        assert part in text
