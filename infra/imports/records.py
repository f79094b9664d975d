"""From bytes to statements with their place: JSON lines, or JSON arrays, strictly parsed.

Judges no statement; what is no JSON comes out as a record with its fault, and the reading goes on
behind it where that is possible.
"""

import codecs
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import Any
from uuid import UUID, uuid5

from domain.errors import Invalid
from domain.values import json_text

NAMESPACE = UUID("c9c1f1a4-2f0e-5f0c-9d0b-6f2f3c1f7a55")
CHUNK = 1 << 20
WHITE = " \t\r\n"
DAMAGED = (EOFError, OSError, zlib.error)


@dataclass(frozen=True, slots=True)
class Record:
    """What stands at `number`: the line, from 1, or in an array the element, from 1.

    Either a JSON value, or the reason why there is none.
    """

    number: int
    statement: Any
    fault: Invalid | None = None


def records(stream: BufferedReader, longest: int) -> Iterator[Record]:
    """Yields what the stream holds, in order; texts of more than `longest` bytes as faults.

    A statement without id gets one that depends on everything read through it: the same content
    read again gives the same ids, and equal statements at two places are two statements.
    """
    if stream.peek(3)[:3] == codecs.BOM_UTF8:
        stream.read(3)
    chain = hashlib.sha256()
    texts = _elements(stream, longest) if _is_array(stream) else _lines(stream, longest)
    number = 0
    try:
        for number, text in texts:
            if isinstance(text, Invalid):
                yield Record(number, None, text)
                continue
            chain.update(text)
            yield _parsed(number, text, chain)
    except DAMAGED:
        fault = Invalid("", "damaged", "the file ends early or is damaged here; the rest is unread")
        yield Record(number + 1, None, fault)


def _parsed(number: int, text: bytes, chain: Any) -> Record:
    try:
        statement = json_text.parse(text)
    except Invalid as fault:
        return Record(number, None, fault)
    if isinstance(statement, dict) and "id" not in statement:
        statement["id"] = str(uuid5(NAMESPACE, chain.hexdigest()))
    return Record(number, statement)


def _too_long(longest: int) -> Invalid:
    return Invalid("", "too-large", f"more than {longest} bytes")


def _is_array(stream: BufferedReader) -> bool:
    return stream.peek(1).lstrip()[:1] == b"["


def _lines(stream: BufferedReader, longest: int) -> Iterator[tuple[int, bytes | Invalid]]:
    """Yields number and text of each line that is not blank."""
    number = 0
    while line := stream.readline(longest + 1):
        number += 1
        if len(line) > longest and not line.endswith(b"\n"):
            while (rest := stream.readline(CHUNK)) and not rest.endswith(b"\n"):
                pass
            yield number, _too_long(longest)
        elif text := line.strip():
            yield number, text


def _elements(stream: BufferedReader, longest: int) -> Iterator[tuple[int, bytes | Invalid]]:
    """Yields number and text of each element of the arrays in the stream, one after another.

    Only as much is held as the longest element needs. Behind a fault nothing can be found again,
    so that one is the last.
    """
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    find_end = json.JSONDecoder().raw_decode
    buffer, start, number, more = "", 0, 0, True
    while True:
        while start < len(buffer) and buffer[start] in WHITE + "[],":
            start += 1
        try:
            _, end = find_end(buffer, start)
            whole = end < len(buffer) or not more
        except (json.JSONDecodeError, RecursionError):
            whole = False
        if whole:
            number += 1
            yield number, buffer[start:end].encode()
            start = end
            continue
        if not more:
            if start < len(buffer):
                yield number + 1, Invalid("", "json", "no JSON from here on; the rest is unread")
            return
        if len(buffer) - start > longest:
            yield number + 1, _too_long(longest)
            return
        chunk = stream.read(CHUNK)
        more = bool(chunk)
        buffer, start = buffer[start:] + decode(chunk, not more), 0
