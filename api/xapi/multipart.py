"""multipart/mixed, read as it comes (RFC 2046, 5.1): a part's content is never held whole.

Only what xAPI needs (1.0.3 Communication 1.5.2): headers, binary content, one level.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from domain.errors import Invalid, TooLarge

SECTION = "1.0.3 Communication 1.5.2"
PIECE = 64 * 1024
MAX_HEADERS = 16 * 1024


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Returns up to `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its headers (names in small letters), and its content, to be read to the end."""

    headers: dict[str, str]
    content: Iterator[bytes]


class Parts:
    """Iterates over the parts of a body; each part's content must be read before the next."""

    def __init__(self, stream: Readable, boundary: str, limit: int) -> None:
        self._stream = stream
        self._left = limit
        self._buffer = bytearray(b"\r\n")  # so that the first boundary looks like the others
        self._delimiter = b"\r\n--" + boundary.encode("latin-1")
        self._ended = False

    def __iter__(self) -> Iterator[Part]:
        for _ in self._until_delimiter():  # the preamble means nothing
            pass
        while self._opens_part():
            headers = self._headers()
            content = self._until_delimiter()
            yield Part(headers, content)
            for _ in content:
                pass

    def _opens_part(self) -> bool:
        """After a delimiter: whether a part follows; else this was the closing one."""
        self._fill(2)
        if self._buffer.startswith(b"--"):
            return False
        line = self._line()
        if line.strip(b" \t"):
            raise _refusal("a boundary is followed by something else on its line")
        return True

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        size = 0
        while line := self._line():
            size += len(line)
            name, colon, value = line.partition(b":")
            if not colon or size > MAX_HEADERS:
                raise _refusal("a part's headers are not headers, or too long")
            headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        return headers

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_HEADERS or not self._more():
                raise _refusal("the body ends, or goes on, where a line should end")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _until_delimiter(self) -> Iterator[bytes]:
        """Returns what comes before the next delimiter, and steps over it."""
        keep = len(self._delimiter) - 1
        while (end := self._buffer.find(self._delimiter)) < 0:
            ready = len(self._buffer) - keep
            if ready > 0:
                yield bytes(self._buffer[:ready])
                del self._buffer[:ready]
            if not self._more():
                raise _refusal("the body ends without its closing boundary")
        content = bytes(self._buffer[:end])
        del self._buffer[: end + len(self._delimiter)]
        if content:
            yield content

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            if not self._more():
                raise _refusal("the body ends without its closing boundary")

    def _more(self) -> bool:
        piece = self._stream.read(min(PIECE, self._left + 1))
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge("the body is larger than this store accepts")
        self._buffer += piece
        return bool(piece)


def _refusal(detail: str) -> Invalid:
    return Invalid("", "multipart", detail, SECTION)
