"""The independent checker against numbers worked out by hand."""

import ast
import sys
from datetime import date
from pathlib import Path
from typing import Any

from tests.checks import expected as checker

COURSE = {"id": "https://x.org/c", "definition": {"type": checker.COURSE}}


def statement(who: str, verb: str, at: str, item: str = "i", **more: Any) -> dict[str, Any]:
    return {
        "actor": {"account": {"homePage": "https://x.org", "name": who}},
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}"},
        "object": {"id": item},
        "context": {"contextActivities": {"parent": [COURSE]}},
        "timestamp": at,
        **more,
    }


ADA, BEN = ("https://x.org", "ada"), ("https://x.org", "ben")


def test_by_hand() -> None:
    found = checker.expected(
        [
            statement("ada", "registered", "2020-01-01T00:00:00Z", object=COURSE, context={}),
            statement("ada", "experienced", "2020-01-02T23:59:59Z"),
            statement("ada", "experienced", "2020-01-02T00:00:00Z"),
            statement("ada", "answered", "2020-01-03T00:00:00Z", result={"success": True}),
            statement("ada", "answered", "2020-01-04T00:00:00Z", result={"success": False}),
            statement("ben", "scored", "2020-01-02T00:00:00Z", result={"score": {"scaled": 0.25}}),
            statement("ben", "scored", "2020-01-01T00:00:00Z", result={"score": {"scaled": 0.75}}),
            statement("ben", "completed", "2020-01-05T00:00:00Z", "j"),
            statement("ben", "completed", "2020-01-06T00:00:00Z", "k"),
            statement(
                "ben", "completed", "2020-01-07T00:00:00Z", "k", result={"completion": False}
            ),
            statement("ben", "unregistered", "2020-01-09T00:00:00Z"),
            statement("ada", "experienced", "2020-01-09T00:00:00Z", context={}),
        ]
    )
    course = found["https://x.org/c"]
    assert found[""].statements == 1
    assert course.statements == 11
    assert course.learners == {ADA, BEN}
    assert course.withdrawn == {BEN}
    assert course.days[ADA] == {date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 4)}
    assert course.best == {(ADA, "i"): 1.0, (BEN, "i"): 0.75}
    assert course.completions == {(BEN, "j")}


def test_it_shares_no_code_with_the_product() -> None:
    tree = ast.parse(Path(checker.__file__).read_text())
    roots = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert roots <= set(sys.stdlib_module_names)
