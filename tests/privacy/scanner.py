"""Looks for words in the raw bytes of folders, in every guise in which they could hide.

A word is found in UTF-8 and UTF-16, in hexadecimal of either case, and in base64 at any offset.
Compressed bytes hide what they hold: whoever scans sees to it that nothing is compressed.
"""

import base64
import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

AROUND = 60


@dataclass(frozen=True)
class Hit:
    """Where something was found, in which guise, and the printable bytes around it."""

    file: Path
    guise: str
    around: str


def guises(word: str) -> dict[bytes, str]:
    """Returns each sequence of bytes that gives `word` away, and its name."""
    plain = word.encode()
    wide = {"utf-16-le": word.encode("utf-16-le"), "utf-16-be": word.encode("utf-16-be")}
    found = {plain: "utf-8", plain.hex().encode(): "hex", plain.hex().upper().encode(): "HEX"}
    found |= {value: name for name, value in wide.items()}
    for offset in range(3):
        for alphabet in (b"+/", b"-_"):
            encoded = base64.b64encode(b"\0" * offset + plain, alphabet)
            # The first and last characters depend on the bytes around the word.
            start = (0, 2, 3)[offset]
            end = (len(plain) + offset) * 8 // 6
            found[encoded[start:end]] = f"base64+{offset}"
    return found


def scan(folders: Iterable[Path], patterns: dict[bytes, str]) -> list[Hit]:
    """Returns where any of the patterns stands in the files below the folders."""
    return [hit for file in files(folders) for hit in _scan_file(file, patterns)]


def files(folders: Iterable[Path]) -> Iterator[Path]:
    """Returns the files below the folders, largest part first to last, links left aside."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path


def _scan_file(file: Path, patterns: dict[bytes, str]) -> Iterator[Hit]:
    with file.open("rb") as opened:
        for start, end in _extents(opened.fileno()):
            base = start - start % mmap.ALLOCATIONGRANULARITY
            with mmap.mmap(
                opened.fileno(), end - base, offset=base, access=mmap.ACCESS_READ
            ) as view:
                for pattern, guise in patterns.items():
                    at = view.find(pattern)
                    if at >= 0:
                        around = view[max(0, at - AROUND) : at + len(pattern) + AROUND]
                        text = "".join(chr(b) if 32 <= b < 127 else "." for b in around)
                        yield Hit(file, guise, text)


def _extents(descriptor: int) -> Iterator[tuple[int, int]]:
    """Returns the parts of a file that hold data: Kafka preallocates gigabytes of nothing."""
    size = os.fstat(descriptor).st_size
    at = 0
    while at < size:
        try:
            at = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(descriptor, at, os.SEEK_HOLE)
        yield at, end
        at = end
