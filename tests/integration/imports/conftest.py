"""An institution in a database of this module's own, and imports into it."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from domain.credentials import Credential
from infra.imports.acceptor import Acceptor
from infra.imports.importer import Done, Importer
from infra.imports.source import open_source
from lrs.services import Services

Import = Callable[..., Done]


@pytest.fixture
def institution(services: Services) -> UUID:
    """An institution that no other test uses."""
    return services.institutions.create("test").institution


@pytest.fixture
def imported(services: Services, institution: UUID, tmp_path: Path) -> Import:
    """Imports a file, or values written to one as JSON lines."""

    def run(content: Path | list[Any], *, to: UUID = institution, batch: int = 7) -> Done:
        path = content if isinstance(content, Path) else tmp_path / "statements.jsonl.gz"
        if not isinstance(content, Path):
            path.write_bytes(gzip.compress(b"".join(orjson.dumps(v) + b"\n" for v in content)))
        acceptor = Acceptor(services, Credential("tool", to, "tool", frozenset()))
        source = open_source(str(path))
        try:
            importer = Importer(acceptor, to, tmp_path / "imports", batch=batch, longest=1 << 20)
            return importer.run(source)
        finally:
            source.close()

    return run
