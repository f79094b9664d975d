"""Ids that we assign ourselves: random, but ordered by time, so that indexes grow at one end."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """Returns a new UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
