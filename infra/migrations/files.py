"""The numbered SQL files: where they are, their order, what they say of themselves.

A file's first comment lines may be `-- Locks SCHEMA.TABLE: MODE`, one for each table that was there
before and that the file locks against more than reads and writes; a test compares them with what
the database really locks.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

NAME = re.compile(r"^(\d{4})_[a-z0-9_]+(\.concurrent)?\.sql$")
LOCKS = re.compile(r"^-- Locks (\S+): ([A-Z ]+)$", re.MULTILINE)
COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Series:
    """The migrations of one package: its name in the book, its folder, and the DSN they run on."""

    name: str
    package: str
    folder: str
    on_keystore: bool = False


SERIES = (
    Series("lrs", "lrs", "schema"),
    Series("keystore", "lrs", "keys/schema", on_keystore=True),
    Series("projections", "projections", "schema"),
)


@dataclass(frozen=True)
class Migration:
    """One numbered SQL file."""

    series: str
    number: int
    name: str
    sql: str
    concurrent: bool = False

    @property
    def checksum(self) -> bytes:
        """SHA-256 of the file: what was applied must never change."""
        return sha256(self.sql.encode()).digest()

    @property
    def locks(self) -> dict[str, str]:
        """Tables that were there before, and the mode in which the file locks each."""
        return dict(LOCKS.findall(self.sql))

    @property
    def statements(self) -> list[str]:
        """Its statements, without comments: of a concurrent file each ends a line."""
        bare = COMMENT.sub("", self.sql)
        return [part.strip() for part in STATEMENT_END.split(bare) if part.strip()]


def migrations(series: Series) -> list[Migration]:
    """Returns the migrations of `series` in order: of one number the transaction comes first."""
    folder: Traversable = files(series.package)
    for part in series.folder.split("/"):
        folder = folder / part
    found = [
        Migration(series.name, int(match[1]), entry.name, entry.read_text(), bool(match[2]))
        for entry in folder.iterdir()
        if (match := NAME.match(entry.name))
    ]
    return sorted(found, key=lambda m: (m.number, m.concurrent, m.name))
