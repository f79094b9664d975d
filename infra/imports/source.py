"""Where statements come from: a file, gzipped or not, or standard input. Knows bytes only."""

import gzip
import hashlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

STDIN = "-"
GZIP = b"\x1f\x8b"
BUFFER = 1 << 20


@dataclass(frozen=True)
class Source:
    """An open source of bytes, already unpacked.

    `identity` is the SHA-256 of a file's content, None for standard input: that can be read only
    once, so an interrupted import of it cannot go on where it was. `size` is in stored bytes.
    """

    name: str
    stream: io.BufferedReader
    file: io.FileIO | None
    size: int | None
    identity: str | None

    def position(self) -> int:
        """Returns how many stored bytes were read so far; 0 for standard input."""
        return self.file.tell() if self.file is not None else 0

    def close(self) -> None:
        """Closes the file."""
        if self.file is not None:
            self.stream.close()
            self.file.close()


def open_source(name: str) -> Source:
    """Returns the source that `name` is: a path, or "-". Raises OSError."""
    if name == STDIN:
        stdin = cast(io.BufferedReader, sys.stdin.buffer)
        return Source("standard input", _unpacked(stdin), None, None, None)
    with Path(name).open("rb") as whole:
        identity = hashlib.file_digest(whole, "sha256").hexdigest()
    file = Path(name).open("rb", buffering=0)  # noqa: SIM115 - closed by Source.close
    stream = _unpacked(io.BufferedReader(file, BUFFER))
    return Source(Path(name).name, stream, file, os.fstat(file.fileno()).st_size, identity)


def _unpacked(stream: io.BufferedReader) -> io.BufferedReader:
    """Returns the stream without gzip, which is recognised by content, whatever the name."""
    if stream.peek(2)[:2] != GZIP:
        return stream
    return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=stream)), BUFFER)
