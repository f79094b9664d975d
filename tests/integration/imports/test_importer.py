"""Imports into the real store: everything accounted for, only the bad refused, nothing twice."""

import stat
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from infra.imports.acceptor import Acceptor, Outcome
from infra.imports.exporter import pages
from infra.imports.records import Record
from lrs.services import Services
from tests.integration.imports.conftest import Import

SECRET = "grace-hopper-3141"


def statement(n: int, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "actor": {"mbox": f"mailto:learner{n % 10}@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": f"https://example.org/page/{n % 5}"},
        "timestamp": "2026-01-02T03:04:05Z",
        **more,
    }


def exported(services: Services, institution: UUID) -> list[dict[str, Any]]:
    head = services.store.head()
    return [s for _, page in pages(services.store, institution, head) for s in page]


def reasons(path: Path | None) -> list[tuple[int, str, str]]:
    assert path is not None
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return [(line["number"], line["rule"], line["pointer"]) for line in lines]


def test_only_what_is_bad_is_refused(
    services: Services, institution: UUID, imported: Import
) -> None:
    values: list[Any] = [statement(n) for n in range(100)]
    taken = statement(0)
    imported([taken])
    values[10] = statement(10, actor={"name": SECRET})
    values[11] = statement(11, verb={"id": "no iri"})
    values[12] = 12
    values[13] = {**taken, "object": {"id": "https://example.org/other"}}
    values[50] = taken
    values[60] = values[59]
    values[61] = {**values[59], "object": {"id": "https://example.org/other"}}
    values[99] = statement(99, id=SECRET)
    done = imported(values)
    assert reasons(done.report) == [
        (11, "one-identifier", "/actor"),
        (12, "iri", "/verb/id"),
        (13, "type", ""),
        (14, "conflict", "/id"),
        (62, "conflict", "/id"),
        (100, "uuid", "/id"),
    ]
    assert (done.progress.accepted, done.progress.present) == (92, 2)
    assert done.progress.statements == len(values)
    assert len(exported(services, institution)) == 93
    assert done.report is not None
    assert SECRET.encode() not in done.report.read_bytes()
    assert stat.S_IMODE(done.report.stat().st_mode) == 0o600


def test_a_second_time_everything_is_there(imported: Import) -> None:
    values = [statement(n) for n in range(30)]
    for value in values[::2]:
        del value["id"]
    assert imported(values).progress.accepted == 30
    again = imported(values)
    assert (again.progress.accepted, again.progress.present) == (0, 30)
    assert again.report is None


def test_statements_of_both_versions_are_judged_by_their_own_rules(imported: Import) -> None:
    spaced = {"timestamp": "2026-01-02 03:04:05Z"}  # ISO 8601 with licence; not RFC 3339 of 2.0.0
    old = statement(0, version="1.0.3", context={"contextAgents": []})
    new = statement(1, version="2.0.0", context={"contextAgents": []})
    done = imported([statement(2), old, new, statement(3, version="2.0.0", **spaced)])
    assert done.progress.statements == 4
    refused = {number for number, _, _ in reasons(done.report)}
    assert 2 in refused
    assert 1 not in refused


def test_an_import_that_was_cut_short_goes_on(
    services: Services, institution: UUID, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: list[Any] = [statement(n) for n in range(300)]
    values[::40] = [{"bad": SECRET}] * 8
    submit = Acceptor.submit
    left = 20

    def dying(self: Acceptor, records: list[Record]) -> Outcome:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return submit(self, records)

    with monkeypatch.context() as patched:
        patched.setattr(Acceptor, "submit", dying)
        with pytest.raises(KeyboardInterrupt):
            imported(values)
    done = imported(values)
    assert done.resumed_after > 0
    assert done.progress.statements == 300
    assert sum(done.progress.refused.values()) == 8
    assert [number for number, _, _ in reasons(done.report)] == list(range(1, 300, 40))
    assert len(exported(services, institution)) == 292


def test_what_is_exported_can_be_imported(
    services: Services, institution: UUID, imported: Import
) -> None:
    values = [statement(n) for n in range(40)]
    values[3]["attachments"] = [
        {
            "usageType": "https://example.org/usage",
            "display": {"en": "a"},
            "contentType": "text/plain",
            "length": 1,
            "sha2": "0" * 64,
            "fileUrl": "https://example.org/a",
        }
    ]
    void = {"objectType": "StatementRef", "id": values[7]["id"]}
    values.append(statement(0, verb={"id": "http://adlnet.gov/expapi/verbs/voided"}, object=void))
    imported(values)
    out = exported(services, institution)
    other = services.institutions.create("other").institution
    assert imported(out, to=other).progress.accepted == len(values)
    back = exported(services, other)
    key = lambda s: s["id"]  # noqa: E731
    for one, two in zip(sorted(out, key=key), sorted(back, key=key), strict=True):
        assert {**one, "stored": None} == {**two, "stored": None}
    assert {s["id"] for s in out} == {v["id"] for v in values}


def test_institutions_do_not_meet(services: Services, imported: Import) -> None:
    values = [statement(n) for n in range(5)]
    one, two = (services.institutions.create(name).institution for name in "ab")
    assert imported(values, to=one).progress.accepted == 5
    assert imported(values, to=two).progress.accepted == 5
    assert len(exported(services, one)) == 5
