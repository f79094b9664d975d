"""The report of an import: one line of JSON for each statement that was refused, mode 0600.

Holds the place in the file, the statement's id, a pointer, the rule and words of ours: never a
value of the statement, because the report lies outside the encrypted store and outlives erasures.
"""

import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import orjson

from infra.imports.acceptor import Refusal


class Report:
    """A file that exists from the first refusal on; `size` bytes of it are already settled."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        # Lines of a run that was cut short come again from the statements after its checkpoint.
        if size:
            os.truncate(path, size)
        else:
            path.unlink(missing_ok=True)

    def add(self, refusals: Iterable[Refusal]) -> None:
        """Writes the refusals, and returns when they are in the file."""
        lines = b"".join(orjson.dumps(asdict(refusal)) + b"\n" for refusal in refusals)
        if not lines:
            return
        with os.fdopen(
            os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab"
        ) as f:
            f.write(lines)
        self.size += len(lines)
