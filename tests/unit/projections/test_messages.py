"""Messages: bytes and back; what is not sound is told apart from what is not ours."""

import orjson
import pytest

from projections.messages import Broken, Kind, Message, decode, encode, receive
from tests.learning import INSTITUTION, START, fact, ident


def message(**changes: object) -> Message:
    made = fact(12, credit=1.0, passed=True, competency="fractions", segments=(0.0, 2.5))
    sound = Message(Kind.FACT, 12, 11, START, INSTITUTION, made.learner, fact=made)
    return sound._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sent",
    [
        message(),
        message(kind=Kind.VOID, fact=None, target=3),
        message(kind=Kind.ERASURE, fact=None),
        message(kind=Kind.ERASURE, fact=None, learner=None),
        Message(Kind.MARK, 12, 11, START),
    ],
)
def test_there_and_back(sent: Message) -> None:
    raw = encode(sent)
    assert decode(raw) == sent._replace(raw=raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"1", b"\xff", b"{}", b'{"kind":"fact"}'])
def test_what_is_not_ours_has_no_head(raw: bytes) -> None:
    broken = receive(raw, 9)
    assert isinstance(broken, Broken)
    assert (broken.head, broken.offset) == (None, 9)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"learner": None},
        {"kind": "erasure", "institution": None},
        {"fact": {}},
        {"fact": None},
        {"fact": "text"},
        {"kind": "void"},
    ],
)
def test_a_broken_body_keeps_its_place_in_the_order(change: dict[str, object]) -> None:
    body = {**orjson.loads(encode(message())), **change}
    body = {name: value for name, value in body.items() if value is not None}
    broken = receive(orjson.dumps(body), 9)
    assert isinstance(broken, Broken)
    assert broken.head is not None
    assert broken.head.position == 12


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("credit", 1.5),
        ("credit", "1"),
        ("credit", True),
        ("seconds", -1),
        ("verb", 99),
        ("at", "2026-09-01T08:00:00"),
        ("course", "no id"),
        ("segments", [1]),
        ("name", "Amina"),
    ],
)
def test_a_fact_must_be_sound(name: str, value: object) -> None:
    body = orjson.loads(encode(message()))
    body["fact"][name] = value
    broken = receive(orjson.dumps(body), 9)
    assert isinstance(broken, Broken)
    assert broken.head is not None
    assert broken.head.learner == ident("amina")
    assert "Amina" not in broken.reason
