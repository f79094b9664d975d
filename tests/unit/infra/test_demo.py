"""The demo course that ships: small, whole, attributed, and what the demo says it is."""

import gzip
from collections import Counter
from pathlib import Path

import orjson

from domain.statements.rules import validate
from domain.values.version import Version
from infra.local import demo

FOLDER = Path(demo.__file__).parent


def test_it_is_small_and_attributed() -> None:
    assert demo.COURSE.stat().st_size < 1_000_000
    attribution = (FOLDER / "ATTRIBUTION.md").read_text()
    for said in ("10.1038/sdata.2017.171", "licenses/by/4.0", "Kuzilek", "changed"):
        assert said in attribution


def test_it_is_valid_and_worth_looking_at() -> None:
    with gzip.open(demo.COURSE) as lines:
        statements = [orjson.loads(line) for line in lines]
    assert len(statements) == demo.STATEMENTS
    for statement in statements[::50]:
        validate(statement, Version.V1_0_3)
        assert statement["object"]["definition"]["name"]["en"]
    verbs = Counter(s["verb"]["display"]["en"] for s in statements)
    learners = {s["actor"]["account"]["name"] for s in statements}
    failed = sum(s.get("result", {}).get("success") is False for s in statements)
    assert len(learners) == verbs["registered"] == 200
    assert verbs["unregistered"] >= 20
    assert failed >= 20
    assert [s["timestamp"] for s in statements] == sorted(s["timestamp"] for s in statements)
