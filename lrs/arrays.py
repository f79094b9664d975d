"""Arrays in Postgres' binary form, packed in one go: the driver's own way costs a call an item.

A wrapper says what its items are; the driver sends it as it stands. Source: array_recv of
PostgreSQL (dimensions, whether there are nulls, type of the items, size and lower bound, items).
"""

from collections.abc import Iterable, Sequence
from struct import pack
from typing import ClassVar
from uuid import UUID

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_NULL = b"\xff\xff\xff\xff"
_UUID = b"\x00\x00\x00\x10"
_INT4 = b"\x00\x00\x00\x04"
_BOOLEANS = (b"\x00\x00\x00\x01\x00", b"\x00\x00\x00\x01\x01")


class Packed:
    """An array ready to be sent."""

    __slots__ = ("content",)
    ITEM: ClassVar[int]
    ARRAY: ClassVar[int]

    def __init__(self, count: int, items: bytes, *, nulls: bool = False) -> None:
        head = pack("!iii", 1 if count else 0, nulls, self.ITEM)
        self.content = head + (pack("!ii", count, 1) + items if count else b"")


class Uuids(Packed):
    """uuid[]."""

    __slots__ = ()
    ITEM, ARRAY = 2950, 2951

    def __init__(self, ids: Sequence[UUID | None]) -> None:
        items = [_NULL if found is None else _UUID + found.bytes for found in ids]
        super().__init__(len(items), b"".join(items), nulls=True)


class Contents(Packed):
    """bytea[]."""

    __slots__ = ()
    ITEM, ARRAY = 17, 1001

    def __init__(self, contents: Sequence[bytes]) -> None:
        items = [len(content).to_bytes(4, "big") + content for content in contents]
        super().__init__(len(items), b"".join(items))


class Numbers(Packed):
    """int[]."""

    __slots__ = ()
    ITEM, ARRAY = 23, 1007

    def __init__(self, numbers: Iterable[int]) -> None:
        items = [_INT4 + number.to_bytes(4, "big") for number in numbers]
        super().__init__(len(items), b"".join(items))


class Booleans(Packed):
    """boolean[]."""

    __slots__ = ()
    ITEM, ARRAY = 16, 1000

    def __init__(self, booleans: Sequence[bool]) -> None:
        super().__init__(len(booleans), b"".join([_BOOLEANS[value] for value in booleans]))


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> Buffer:
        return obj.content


def _register() -> None:
    for kind in (Uuids, Contents, Numbers, Booleans):
        dumper = type(f"{kind.__name__}Dumper", (_PackedDumper,), {"oid": kind.ARRAY})
        psycopg.adapters.register_dumper(kind, dumper)


_register()
