"""What answers mean, when to try again, and which addresses can be forwarded to."""

from uuid import uuid4

import pytest

from domain.errors import Invalid
from domain.forwarding import (
    LONGEST_ASKED,
    LONGEST_PAUSE,
    ForwardingStarted,
    Selection,
    Verdict,
    endpoint,
    pause,
    verdict,
)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Verdict.TAKEN),
        (204, Verdict.TAKEN),
        (400, Verdict.REFUSED),
        (409, Verdict.REFUSED),
        (413, Verdict.REFUSED),
        *[(status, Verdict.LATER) for status in (301, 307, 401, 403, 404, 429, 500, 502, 503)],
    ],
)
def test_only_what_blames_the_statement_is_a_refusal(status: int, meaning: Verdict) -> None:
    assert verdict(status) is meaning


def test_pauses_double_up_to_minutes() -> None:
    assert [pause(failures, 0.0) for failures in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert pause(9, 0.0) == 256
    assert pause(10, 0.0) == pause(10_000, 0.0) == LONGEST_PAUSE == 300


def test_jitter_takes_up_to_half_off() -> None:
    assert pause(5, 0.5) == 12
    assert 8 < pause(5, 0.999) < 8.1


def test_the_receiver_may_ask_for_more_but_not_for_ever() -> None:
    assert pause(1, 0.0, asked=30) == 30
    assert pause(8, 0.0, asked=30) == 128
    assert pause(1, 0.0, asked=1e9) == LONGEST_ASKED


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://lrs.example/xapi", "https://lrs.example/xapi"),
        ("http://lrs.example:8080/xapi/", "http://lrs.example:8080/xapi"),
        ("https://lrs.example", "https://lrs.example"),
        ("https://[2001:db8::1]/xapi", "https://[2001:db8::1]/xapi"),
    ],
)
def test_an_endpoint(given: str, kept: str) -> None:
    assert endpoint(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "lrs.example/xapi",
        "ftp://lrs.example/xapi",
        "file:///etc/passwd",
        "https:///xapi",
        "https://u:p@lrs.example/xapi",
        "https://lrs.example/xapi?a=b",
        "https://lrs.example/xapi#a",
        "https://lrs.example:99999/xapi",
        "https://lrs.example:0/xapi",
        "https://lrs.example/x\r\nHost: other",
        "https://[::1/xapi",
    ],
)
def test_no_endpoint(given: str) -> None:
    with pytest.raises(Invalid) as refused:
        endpoint(given)
    assert refused.value.pointer == "url"


def test_a_secret_is_not_shown() -> None:
    event = ForwardingStarted.model_construct(
        originator_id=uuid4(), url="https://lrs.example", secret="sesame", selection=Selection()
    )
    assert "sesame" not in repr(event)
