"""How far an import of a file has come: kept in DATA/imports while it is not at its end.

A file is known by its content, not its name. Without a checkpoint an import starts over, which is
as right: statements that are there already are found there.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import UUID

import orjson

from infra.local.instance import write_private


@dataclass(slots=True)
class Progress:
    """Everything through `number` is accounted for: so many accepted, there before, refused."""

    number: int = 0
    accepted: int = 0
    present: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    report_size: int = 0

    @property
    def statements(self) -> int:
        """How many statements are accounted for."""
        return self.accepted + self.present + sum(self.refused.values())


class Checkpoint:
    """The progress of one file into one institution."""

    def __init__(self, folder: Path, identity: str, institution: UUID) -> None:
        self._path = folder / f"{identity[:32]}-{institution}.json"

    def load(self) -> Progress:
        """Returns the progress of an earlier run that was cut short, else none."""
        try:
            return Progress(**orjson.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return Progress()

    def save(self, progress: Progress) -> None:
        """Keeps the progress, in one step."""
        write_private(self._path, asdict(progress))

    def remove(self) -> None:
        """The import has come to its end, or shall start over."""
        self._path.unlink(missing_ok=True)
