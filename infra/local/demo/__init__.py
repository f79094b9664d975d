"""What a first start has: an institution, a credential for each role, and the demo course.

The demo credentials are for the machine they were made on; their secrets are kept in
DATA/keys/demo.json (mode 0600), so that a later start can show them again. `course.jsonl.gz` is
adapted from OULAD; ATTRIBUTION.md says from where, by whom and how.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from domain.credentials import Credential
from domain.errors import Unauthenticated
from domain.roles import Role
from infra.imports.acceptor import Acceptor
from infra.imports.importer import Importer
from infra.imports.source import open_source
from infra.local.instance import write_private
from lrs.services import Services, open_services
from lrs.settings import Settings

NAME = "Demo University"
COURSE = Path(__file__).with_name("course.jsonl.gz")
STATEMENTS = 39_354
"""How many the demo course has; a test counts them."""

BATCH = 200
PATIENCE_SECONDS = 5.0
"""How long to wait for a database that is away: an instance that stops must not wait for us."""

Progress = Callable[[int, int], None]
Pair = dict[str, str]


def bootstrap(settings: Settings) -> dict[str, Pair]:
    """Returns key and secret for each role in the demo institution, made where they are missing.

    Needs a migrated database. Again, it returns the same.
    """
    kept = _read(settings)
    services = open_services(settings)
    try:
        if kept is None or not _valid(services, kept["credentials"]["tool"]):
            kept = _made(services)
            _keep(settings, kept)
    finally:
        services.close()
    pairs: dict[str, Pair] = kept["credentials"]
    return pairs


def load_demo(settings: Settings, progress: Progress) -> None:
    """Imports the demo course after `bootstrap`; calls `progress` with statements done, and all.

    Once it is there, it is not sent again; a load that was cut short goes on where it was.
    """
    kept = _read(settings)
    assert kept is not None
    if kept["loaded"]:
        return
    services = open_services(settings)
    source = open_source(str(COURSE))
    try:
        institution = UUID(kept["institution"])
        tool = Credential(kept["credentials"]["tool"]["key"], institution, NAME, frozenset())
        Importer(
            Acceptor(services, tool, patience=PATIENCE_SECONDS),
            institution,
            settings.data / "imports",
            batch=BATCH,
            longest=settings.max_body_bytes,
        ).run(source, lambda done: progress(done.statements, STATEMENTS))
    finally:
        source.close()
        services.close()
    _keep(settings, {**kept, "loaded": True})


def _made(services: Services) -> dict[str, Any]:
    known = [item for item in services.institutions.list() if item.name == NAME]
    institution = (known[0] if known else services.institutions.create(NAME)).institution
    pairs = {}
    for role in Role:
        key, secret = services.credentials.issue(institution, f"Demo {role}", [role])
        pairs[role.value] = {"key": key, "secret": secret}
    return {"institution": str(institution), "credentials": pairs, "loaded": False}


def _valid(services: Services, pair: Pair) -> bool:
    """Returns whether the database knows what the file says: it may be another one."""
    try:
        services.credentials.verify(pair["key"], pair["secret"])
    except Unauthenticated:
        return False
    return True


def _file(settings: Settings) -> Path:
    return settings.data / "keys" / "demo.json"


def _read(settings: Settings) -> dict[str, Any] | None:
    file = _file(settings)
    if not file.exists():
        return None
    kept: dict[str, Any] = orjson.loads(file.read_bytes())
    return kept


def _keep(settings: Settings, kept: dict[str, Any]) -> None:
    _file(settings).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(_file(settings), kept)
