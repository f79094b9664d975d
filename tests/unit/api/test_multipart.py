"""multipart/mixed as it comes: parts, their edges, what is refused."""

import io
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.xapi.multipart import Parts
from domain.errors import Invalid, TooLarge

BOUNDARY = "-----314159265"
LIMIT = 1 << 20


class Trickle:
    """A stream that gives what it has in pieces of the sizes told, then of one byte."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._stream = io.BytesIO(content)
        self._sizes = iter(sizes)

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, next(self._sizes, 1)))


def encoded(parts: list[tuple[dict[str, str], bytes]], boundary: str = BOUNDARY) -> bytes:
    lines = [
        b"--%b\r\n%b\r\n%b\r\n"
        % (
            boundary.encode(),
            b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items()),
            content,
        )
        for headers, content in parts
    ]
    return b"".join(lines) + b"--%b--\r\n" % boundary.encode()


def read(body: bytes, boundary: str = BOUNDARY, limit: int = LIMIT) -> Iterator[bytes]:
    return (b"".join(part.content) for part in Parts(io.BytesIO(body), boundary, limit))


_contents = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b"--", BOUNDARY.encode(), BOUNDARY.encode()[:-1]])
).map(b"".join).filter(lambda content: b"\r\n--" + BOUNDARY.encode() not in b"\r\n" + content)


@given(
    contents=st.lists(_contents, min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 400), max_size=50),
    preamble=st.sampled_from([b"", b"this is no part\r\n", b"\r\n"]),
    epilogue=st.binary(max_size=20),
)
def test_parts_are_the_same_however_the_stream_is_cut(
    contents: list[bytes], sizes: list[int], preamble: bytes, epilogue: bytes
) -> None:
    sent = [({"X-Number": str(n), "Content-Type": "a/b"}, c) for n, c in enumerate(contents)]
    stream = Trickle(preamble + encoded(sent) + epilogue, sizes)
    got = [(part.headers, b"".join(part.content)) for part in Parts(stream, BOUNDARY, LIMIT)]
    assert got == [
        ({"x-number": headers["X-Number"], "content-type": "a/b"}, content)
        for headers, content in sent
    ]


@given(content=_contents, cut=st.integers(0, 10_000))
def test_a_body_that_ends_early_is_refused(content: bytes, cut: int) -> None:
    body = encoded([({"a": "b"}, content)])
    whole = len(body) - len(b"\r\n")
    with pytest.raises(Invalid):
        list(read(body[: cut % whole]))


@given(st.binary(max_size=200))
def test_whatever_it_is_it_is_read_or_refused(body: bytes) -> None:
    with suppress(Invalid):
        list(read(body, "x"))


def test_a_part_that_is_not_read_is_stepped_over() -> None:
    parts = Parts(io.BytesIO(encoded([({}, b"one" * 100), ({}, b"two")])), BOUNDARY, LIMIT)
    assert len(list(parts)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        b"--" + BOUNDARY.encode() + b"garbage\r\n\r\nx\r\n--" + BOUNDARY.encode() + b"--",
        b"--" + BOUNDARY.encode() + b"\r\nno colon\r\n\r\nx\r\n--" + BOUNDARY.encode() + b"--",
        encoded([({"h": "v" * 20_000}, b"")]),
    ],
)
def test_what_is_no_multipart_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        list(read(body))


def test_a_limit_holds_for_the_whole_body() -> None:
    body = encoded([({}, b"x" * 1000)])
    assert list(read(body, limit=len(body))) == [b"x" * 1000]
    with pytest.raises(TooLarge):
        list(read(body, limit=500))
