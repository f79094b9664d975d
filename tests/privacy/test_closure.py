"""Erasing an institution is final: whoever kept a copy of everything sealed opens none of it."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from lrs.closure import Closures
from lrs.keys.envelope import boxes
from lrs.keys.ring import KeyRing
from lrs.mapper import HEADER
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests.integration.lrs.closing import institution

NOBODY = UUID(int=0)
"""Names the key of an attachment's content: that key is sealed for each owner, and stands below."""

SEALED = {
    "SELECT state FROM lrs.stored_events WHERE lrs.institution_of(state) = %s": HEADER,
    "SELECT label FROM lrs.credentials WHERE institution = %s": 0,
    "SELECT sealed FROM lrs.activities WHERE institution = %s": 0,
    "SELECT sealed FROM lrs.documents WHERE institution = %s": 0,
    "SELECT sealed FROM lrs.contents WHERE institution = %s": 0,
    "SELECT sealed FROM lrs.attachments WHERE institution = %s": 0,
    "SELECT sealed FROM lrs.forwardings WHERE institution = %s": 0,
    "SELECT sealed FROM lrs.quarantine WHERE institution = %s": 0,
    "SELECT s.sealed FROM lrs.quarantined_statements s JOIN lrs.quarantine q USING (item)"
    " WHERE q.institution = %s": 0,
}


@pytest.fixture
def services(own_settings: Settings) -> Iterator[Services]:
    opened = open_services(own_settings.model_copy(update={"forward_private_addresses": True}))
    yield opened
    opened.close()


def keys(services: Services, of: UUID) -> dict[str, set[UUID]]:
    """Returns which keys are named by what is sealed, for each kind of it."""
    with psycopg.connect(services.settings.admin_dsn) as connection:
        return {
            query: {
                key_id
                for (sealed,) in connection.execute(query.encode(), [of], binary=True)
                for key_id, _ in boxes(sealed, start)
            }
            - {NOBODY}
            for query, start in SEALED.items()
        }


def opened(services: Services, named: dict[str, set[UUID]]) -> set[UUID]:
    """Returns which of these keys the key store still gives."""
    ring = KeyRing(services.keystore_pool, services.key_service)
    wanted = set().union(*named.values())
    return {key_id for key_id in wanted if ring.open(key_id) is not None}


def test_no_copy_of_what_was_sealed_opens(services: Services) -> None:
    gone = institution(services, "Gone").institution
    here = institution(services, "Here").institution
    copied, others = keys(services, gone), keys(services, here)
    assert all(copied.values()), "each kind of store is tried"
    assert opened(services, copied), "and could be opened"
    living = opened(services, others)
    closures = Closures(services)
    receipt = closures.run(closures.request(gone, by="host", basis="the basis")).receipt
    assert receipt is not None
    assert opened(services, copied) == set()
    assert opened(services, others) == living


def test_the_name_stands_in_no_row_any_more(services: Services) -> None:
    name = "Kibanda cha Maarifa"
    gone = institution(services, name).institution
    closures = Closures(services)
    closures.run(closures.request(gone, by="host", basis=""))
    with psycopg.connect(services.settings.admin_dsn) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname IN ('lrs', 'keystore', 'views', 'streams')"
        ).fetchall()
        holding = [
            table
            for (table,) in tables
            if connection.execute(
                f"SELECT FROM {table} t WHERE t::text LIKE %s LIMIT 1".encode(), [f"%{name}%"]
            ).fetchone()
        ]
    assert holding == []
