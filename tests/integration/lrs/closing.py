"""What tests of closures do again and again: an institution with something in every store."""

from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from domain.credentials import Credential
from domain.documents import Kind, Preconditions
from domain.errors import Error
from domain.forwarding import Selection
from domain.quotas import Quota
from domain.roles import Role
from domain.values.version import Version
from lrs.attachments import Sent
from lrs.documents import Address
from lrs.forwarding import Target
from lrs.services import Services
from tests.integration.lrs.erasing import accept, erase, group
from tests.integration.lrs.samples import agent, statement, voiding

V1 = Version.V1_0_3
KEPT = {"fences", "erased_identifiers", "closures", "placements", "gates", "arrivals"}
"""Tables of the record store with a column `institution` in which rows of a closed one stay."""


def institution(services: Services, name: str) -> Credential:
    """Returns a tool of a new institution that has rows in every store."""
    made = services.institutions.create(name).institution
    key, secret = services.credentials.issue(made, "a tool", [Role.TOOL])
    tool = services.credentials.verify(key, secret)
    one = statement("ada")
    accept(services, tool, one, statement("bob"), {**statement(), "actor": group("ada", "bob")})
    accept(services, tool, voiding(one["id"], "bob"), statement("cleo"))
    accept(services, tool, voiding(statement("cleo")["id"], "cleo"))
    erase(services, tool, "cleo")
    _documents(services, tool)
    _attachment(services, tool)
    _refusal(services, tool)
    target = Target("http://127.0.0.1:9/xapi", "key", "secret", Selection())
    services.forwardings.start(made, target)
    services.quotas.set(made, Quota(statements=1000))
    while not services.usage.count():
        pass
    return tool


def _documents(services: Services, tool: Credential) -> None:
    activity = "https://lms.example.org/item/1"
    for address in (
        Address(Kind.STATE, "place", activity, agent("ada")),
        Address(Kind.ACTIVITY_PROFILE, "about", activity),
    ):
        for size in (10, 300_000):
            services.documents.put(
                tool.institution,
                address,
                b"x" * size,
                "text/plain",
                preconditions=(
                    Preconditions(if_match="*") if size > 10 else Preconditions(if_none_match="*")
                ),
                version=V1,
            )


def _attachment(services: Services, tool: Credential) -> None:
    content = b"y" * 1000
    attachment = {
        "usageType": "https://lms.example.org/paper",
        "display": {"en": "A paper"},
        "contentType": "text/plain",
        "length": len(content),
        "sha2": sha256(content).hexdigest(),
    }
    sent = [Sent(attachment["sha2"], [content])]
    services.statements.accept(tool, [statement(attachments=[attachment])], V1, sent)


def _refusal(services: Services, tool: Credential) -> None:
    bad = statement(verb="")
    bad["verb"] = {"id": "nonsense"}
    try:
        accept(services, tool, bad)
    except Error as refusal:
        services.refusals.keep(tool, [bad], refusal, V1)


def tables(connection: psycopg.Connection[Any], *schemas: str) -> list[tuple[str, str, bool]]:
    """Returns schema and name of each table, and whether it says the institution of its rows."""
    return connection.execute(
        "SELECT n.nspname::text, c.relname::text, EXISTS (SELECT FROM pg_attribute a"
        "  WHERE a.attrelid = c.oid AND a.attname = 'institution' AND NOT a.attisdropped)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = ANY(%s) AND c.relkind = 'r' ORDER BY 1, 2",
        [list(schemas)],
    ).fetchall()


def rows(services: Services, of: UUID) -> dict[str, list[str]]:
    """Returns every row of an institution, as text, by table."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(services.settings.admin_dsn) as connection:
        for schema, table, named in tables(connection, "lrs", "keystore", "views"):
            where = sql.SQL("t.institution = {}").format(of) if named else _OF.get(table)
            if where is None:
                continue
            query = sql.SQL("SELECT t::text FROM {} t WHERE {} ORDER BY 1").format(
                sql.Identifier(schema, table), where
            )
            # `named` is already bound; the others name their institution by a place in the log.
            found[f"{schema}.{table}"] = [
                row[0] for row in connection.execute(query, {"of": of}).fetchall()
            ]
    return found


_LOG = sql.SQL(
    "IN (SELECT e.notification_id FROM lrs.stored_events e"
    " WHERE lrs.institution_of(e.state) = %(of)s)"
)
_ITEMS = sql.SQL("t.item IN (SELECT q.item FROM lrs.quarantine q WHERE q.institution = %(of)s)")
_OF = {
    "stored_events": sql.SQL("lrs.institution_of(t.state) = %(of)s"),
    "statement_index": sql.SQL("t.position ") + _LOG,
    "postings": sql.SQL("t.position ") + _LOG,
    "statement_refs": sql.SQL("t.position ") + _LOG,
    "quarantined_statements": _ITEMS,
    "quarantined_people": _ITEMS,
    "forwarding_refusals": sql.SQL(
        "t.forwarding IN (SELECT f.forwarding FROM lrs.forwardings f WHERE f.institution = %(of)s)"
    ),
}
