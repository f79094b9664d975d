"""Cursors: opaque, whole, and good in one place only."""

from uuid import uuid4

import pytest

from domain.errors import Invalid
from lrs.cursors import Cursors

HERE = uuid4()


def test_it_comes_back_and_cannot_be_read() -> None:
    cursors = Cursors(b"k" * 32)
    token = cursors.seal({"given": {"agent": "mailto:amina@x.example"}}, "list", HERE)
    assert cursors.open(token, "list", HERE) == {"given": {"agent": "mailto:amina@x.example"}}
    assert Cursors(b"k" * 32).open(token, "list", HERE)
    assert "amina" not in token and token.replace("-", "a").replace("_", "a").isalnum()


def test_it_is_good_in_one_place_only() -> None:
    cursors = Cursors(b"k" * 32)
    token = cursors.seal(1, "list", HERE)
    middle = "B" if token[20] == "A" else "A"
    attempts = [
        (cursors, token, "other list", HERE),
        (cursors, token, "list", uuid4()),
        (Cursors(b"x" * 32), token, "list", HERE),
        (cursors, token[:20] + middle + token[21:], "list", HERE),
        (cursors, token[:-4], "list", HERE),
        (cursors, "", "list", HERE),
        (cursors, "not base64!", "list", HERE),
        (cursors, "é", "list", HERE),
    ]
    for opener, given, purpose, institution in attempts:
        with pytest.raises(Invalid):
            opener.open(given, purpose, institution)


def test_a_cursor_of_before_a_move_is_told_apart() -> None:
    institution = uuid4()
    before = Cursors(b"key").seal([7], "list", institution)
    moved = Cursors(b"key").at(2)
    with pytest.raises(Invalid) as refused:
        moved.open(before, "list", institution)
    assert refused.value.rule == "moved"
    with pytest.raises(Invalid) as refused:
        moved.open(before, "another list", institution)
    assert refused.value.rule == "cursor"
    after = moved.seal([7], "list", institution)
    assert moved.open(after, "list", institution) == [7]
    with pytest.raises(Invalid):
        Cursors(b"key").open(after, "list", institution)
