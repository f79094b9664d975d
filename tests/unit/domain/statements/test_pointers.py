"""Pointers that may be kept: they say where, and never repeat what a sender wrote."""

import pytest

from domain.statements.pointers import impersonal


@pytest.mark.parametrize(
    ("pointer", "kept"),
    [
        ("", ""),
        ("/actor/member/3/mbox", "/actor/member/3/mbox"),
        ("/ada-lovelace", "/*"),
        ("/context/extensions/https:~1~1ada.example/0", "/context/extensions/*/0"),
        ("/verb/display/ada", "/verb/display/*"),
        ("/context/contextActivities/parent/0/id", "/context/contextActivities/parent/0/id"),
    ],
)
def test_only_known_steps_are_kept(pointer: str, kept: str) -> None:
    assert impersonal(pointer) == kept
