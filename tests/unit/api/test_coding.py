"""Which coding an Accept-Encoding asks for, by the rules of RFC 9110, 12.5.3."""

import gzip
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import coding
from api.coding import UnknownCoding, chosen, decoding
from domain.errors import Invalid


@pytest.mark.parametrize(
    ("accepted", "found"),
    [
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("gzip ; q=0.8 , zstd ; q=0.9", "zstd"),
        ("gzip;q=0", None),
        ("gzip;q=0, zstd;q=0", None),
        ("*", "zstd"),
        ("*;q=0", None),
        ("zstd;q=0, *", "gzip"),
        ("*;q=0, gzip;q=0.001", "gzip"),
        ("identity;q=0.5, gzip;q=0.4", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0", None),
        ("gzip;q=high", None),
        ("gzip;q=2", None),
        ("gzip;level=9", "gzip"),
        (",,;q=1,", None),
    ],
)
def test_what_is_liked_best(accepted: str, found: str | None) -> None:
    assert chosen(accepted)[0] == found


@pytest.mark.parametrize(
    ("accepted", "plainly"),
    [
        ("gzip", True),
        ("identity;q=0, gzip", False),
        ("*;q=0, gzip", False),
        ("*;q=0, identity;q=0.1, gzip", True),
    ],
)
def test_whether_no_coding_is_acceptable(accepted: str, plainly: bool) -> None:
    assert chosen(accepted)[1] is plainly


@given(st.text(max_size=60))
def test_whatever_is_sent_has_an_answer(accepted: str) -> None:
    assert chosen(accepted)[0] in {None, *coding.CODERS}


@given(st.binary(max_size=5000), st.sampled_from(sorted(coding.CODERS)))
def test_what_was_coded_is_read(content: bytes, name: str) -> None:
    coded = coding.CODERS[name](content)
    assert decoding(BytesIO(coded), name).read() == content


@pytest.mark.parametrize("name", sorted(coding.CODERS))
def test_what_was_cut_or_is_something_else_is_refused(name: str) -> None:
    coded = coding.CODERS[name](b"statements " * 500)
    for wrong in (coded[:-3], coded[: len(coded) // 2], b"no coding at all", coded + b"tail"):
        with pytest.raises(Invalid, match="Content-Encoding"):
            decoding(BytesIO(wrong), name).read()


def test_a_bomb_is_read_no_further_than_asked() -> None:
    for name, coder in coding.CODERS.items():
        bomb = BytesIO(coder(bytes(50_000_000)))
        assert len(decoding(bomb, name).read(1000)) <= 1000
        assert bomb.tell() < 1_000_000


def test_a_window_beyond_what_is_allowed_is_refused() -> None:
    """RFC 9659: a sender may ask for 8 MiB of our memory, and no more."""
    large = coding.zstd.compress(
        bytes(20_000_000), options={coding.zstd.CompressionParameter.window_log: 27}
    )
    with pytest.raises(Invalid):
        decoding(BytesIO(large), "zstd").read()


@pytest.mark.parametrize("name", ["br", "deflate", "gzip, gzip", "gzip, zstd", "zip"])
def test_other_codings_are_named_unknown(name: str) -> None:
    with pytest.raises(UnknownCoding):
        decoding(BytesIO(gzip.compress(b"{}")), name)
