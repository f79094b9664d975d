"""The documentation says what the code does: settings, columns, decisions, links."""

import re
from pathlib import Path

import psycopg
import pytest

from infra.cli.settings import table
from lrs.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_every_setting_is_documented() -> None:
    """`lrs settings --markdown` prints the table to put there."""
    assert table() in (ROOT / "docs" / "settings.md").read_text()


def test_every_column_says_what_it_is(settings: Settings) -> None:
    with psycopg.connect(settings.admin_dsn) as connection:
        silent = connection.execute(
            "SELECT n.nspname || '.' || c.relname || '.' || a.attname FROM pg_attribute a"
            " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname IN ('lrs', 'keystore', 'views') AND c.relkind IN ('r', 'p')"
            " AND a.attnum > 0 AND NOT a.attisdropped"
            " AND col_description(c.oid, a.attnum) IS NULL ORDER BY 1"
        ).fetchall()
    assert silent == []


def test_every_table_is_in_the_data_model(settings: Settings) -> None:
    text = (ROOT / "docs" / "data-model.md").read_text()
    with psycopg.connect(settings.admin_dsn) as connection:
        tables = connection.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            " WHERE table_schema IN ('lrs', 'keystore', 'views') AND table_type = 'BASE TABLE'"
        ).fetchall()
    assert [name for (name,) in tables if f"`{name}`" not in text] == []


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
