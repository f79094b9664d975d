"""Damage to the index: found by name, and made anew from the log as it was before."""

import pytest

from lrs.fsck import MENDED, Finding, Kind
from lrs.postings import AGENT
from tests.fsck import check_clean, found
from tests.integration.lrs.fsck.conftest import Store

TERM = "'00000000-0000-0000-0000-00000000abcd'"

DAMAGE: dict[str, tuple[str, set[tuple[Kind, str]]]] = {
    "a row is gone": (
        "DELETE FROM lrs.statement_index WHERE position = {plain}",
        {(Kind.INDEX_MISSING, "plain")},
    ),
    "a row is gone with all its postings": (
        "DELETE FROM lrs.postings WHERE position = {plain};"
        "DELETE FROM lrs.statement_index WHERE position = {plain}",
        {(Kind.INDEX_MISSING, "plain")},
    ),
    "a row has another owner": (
        "UPDATE lrs.statement_index SET owner = '{ada_person}' WHERE position = {other}",
        {(Kind.INDEX_WRONG, "other")},
    ),
    "a row has another author": (
        "UPDATE lrs.statement_index SET author = '{ada_person}' WHERE position = {other}",
        {(Kind.INDEX_WRONG, "other")},
    ),
    "a row has another stream": (
        "UPDATE lrs.statement_index SET originator_id = gen_random_uuid() WHERE position = {other}",
        {(Kind.INDEX_WRONG, "other")},
    ),
    "a row says that it voids": (
        "UPDATE lrs.statement_index SET voiding = true WHERE position = {other}",
        {(Kind.INDEX_WRONG, "other")},
    ),
    "a row stands where there is no statement": (
        "INSERT INTO lrs.statement_index (position, originator_id, owner, author, voiding, terms)"
        " SELECT 1, originator_id, owner, author, voiding, '{{}}' FROM lrs.statement_index"
        " WHERE position = {other}",
        {(Kind.INDEX_ORPHAN, "")},
    ),
    "a row of an erased person's statement is there": (
        "INSERT INTO lrs.statement_index (position, originator_id, owner, author, voiding, terms)"
        " SELECT {eves}, originator_id, '{eve_person}', author, voiding,"
        " ARRAY(SELECT term FROM lrs.postings WHERE position = {eves})"
        " FROM lrs.statement_index WHERE position = {other}",
        {(Kind.INDEX_ERASED, "eves")},
    ),
    "a row lacks a term": (
        "UPDATE lrs.statement_index SET terms = terms[2:] WHERE position = {plain};"
        "DELETE FROM lrs.postings p WHERE position = {plain} AND NOT EXISTS (SELECT FROM"
        " lrs.statement_index i WHERE i.position = p.position AND p.term = ANY (i.terms))",
        {(Kind.TERMS_MISSING, "plain")},
    ),
    "a row lacks what it inherits": (
        "UPDATE lrs.statement_index f SET terms = ARRAY(SELECT unnest(f.terms)"
        " EXCEPT SELECT unnest(p.terms) FROM lrs.statement_index p WHERE position = {plain})"
        " WHERE position = {further};"
        "DELETE FROM lrs.postings p WHERE position = {further} AND NOT EXISTS (SELECT FROM"
        " lrs.statement_index i WHERE i.position = p.position AND p.term = ANY (i.terms))",
        {(Kind.TERMS_MISSING, "further")},
    ),
    "a row has a term too many": (
        f"UPDATE lrs.statement_index SET terms = terms || {TERM}::uuid WHERE position = {{plain}};"
        f"INSERT INTO lrs.postings VALUES ({TERM}, {{plain}})",
        {(Kind.TERMS_EXTRA, "plain")},
    ),
    "a posting is gone": (
        "DELETE FROM lrs.postings p USING lrs.statement_index i WHERE p.position = {plain}"
        " AND i.position = p.position AND p.term = i.terms[1]",
        {(Kind.POSTING_MISSING, "plain")},
    ),
    "a posting is too many": (
        f"INSERT INTO lrs.postings VALUES ({TERM}, {{plain}})",
        {(Kind.POSTING_EXTRA, "plain")},
    ),
    "a posting stands at no statement": (
        f"INSERT INTO lrs.postings VALUES ({TERM}, 1)",
        {(Kind.POSTING_ORPHAN, "")},
    ),
    "a posting stands at nothing": (
        f"INSERT INTO lrs.postings VALUES ({TERM}, -5)",
        {(Kind.POSTING_ORPHAN, "")},
    ),
    "a posting of an erased statement is there": (
        f"INSERT INTO lrs.postings VALUES ({TERM}, {{eves}})",
        {(Kind.POSTING_ERASED, "eves")},
    ),
    "a reference is gone": (
        "DELETE FROM lrs.statement_refs WHERE position = {referring}",
        {(Kind.REFERENCE_MISSING, "referring")},
    ),
    "a void is gone": (
        "DELETE FROM lrs.statement_refs WHERE position = {voiding}",
        {(Kind.REFERENCE_MISSING, "voiding")},
    ),
    "a reference voids": (
        "UPDATE lrs.statement_refs SET voiding = true WHERE position = {referring}",
        {(Kind.REFERENCE_MISSING, "referring"), (Kind.REFERENCE_EXTRA, "referring")},
    ),
    "a statement refers that does not": (
        "INSERT INTO lrs.statement_refs (target, position, voiding)"
        " SELECT originator_id, {plain}, true FROM lrs.statement_index WHERE position = {other}",
        {(Kind.REFERENCE_EXTRA, "plain")},
    ),
    "an erased statement refers": (
        f"INSERT INTO lrs.statement_refs VALUES ({TERM}, {{eves}}, false)",
        {(Kind.REFERENCE_EXTRA, "eves")},
    ),
    "nothing refers": (
        f"INSERT INTO lrs.statement_refs VALUES ({TERM}, 1, true)",
        {(Kind.REFERENCE_EXTRA, "")},
    ),
}


def names(store: Store, findings: list[Finding]) -> set[tuple[Kind, str]]:
    """Returns what was found, by the names of statements."""
    at = {position: name for name, position in store.places.items()}
    return {(f.kind, at.get(f.position or 0, "")) for f in findings}


def test_a_whole_store_is_clean(store: Store) -> None:
    findings, report = found(store.settings)
    assert findings == []
    assert report.head == store.services.store.last()
    assert report.statements == len(store.places) - 1
    assert report.erased >= 2


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_mended(store: Store, what: str) -> None:
    sql, expected = DAMAGE[what]
    index, log = store.index(), store.log()
    store.damage(sql)
    findings, _ = found(store.settings)
    assert names(store, findings) == expected
    repaired, _ = found(store.settings, repair=True)
    assert names(store, repaired) == expected
    assert {finding.kind for finding in repaired} <= MENDED
    check_clean(store.settings)
    assert store.index() == index
    assert store.log() == log


def test_an_erased_person_is_found_as_an_agent(store: Store) -> None:
    blind = store.services.blind
    agent = blind.term(store.tool.institution, AGENT, store.people["eve"].hex)
    for place in ("other", "eves"):
        store.damage(f"INSERT INTO lrs.postings VALUES ('{agent}', {{{place}}})")
    findings, _ = found(store.settings)
    erased = {finding.position for finding in findings if finding.kind is Kind.POSTING_ERASED}
    assert erased == {store.places["other"], store.places["eves"]}
    assert {finding.kind for finding in findings} == {Kind.POSTING_ERASED, Kind.POSTING_EXTRA}
    found(store.settings, repair=True)
    check_clean(store.settings)


def test_a_store_without_any_index_gets_it_back(store: Store) -> None:
    """All but what statements inherited of one that was erased since: nobody can tell that."""
    index = store.index()
    store.damage("DELETE FROM lrs.statement_index; DELETE FROM lrs.statement_refs")
    with store.admin() as connection:
        connection.execute("TRUNCATE lrs.postings")
    findings, _ = found(store.settings, repair=True)
    assert {finding.kind for finding in findings} == {
        Kind.INDEX_MISSING,
        Kind.REFERENCE_MISSING,
    }
    check_clean(store.settings)
    again = store.index()
    assert again["statement_refs"] == index["statement_refs"]
    lost = {
        place
        for place, (old, new) in enumerate(
            zip(index["statement_index"], again["statement_index"], strict=True)
        )
        if old != new
    }
    assert {index["statement_index"][place][0] for place in lost} <= {store.places["open"]}
    assert set(again["postings"]) <= set(index["postings"])
