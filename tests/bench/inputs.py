"""What is imported in a measurement: the real files, or the demo course with fresh ids."""

import gzip
from pathlib import Path
from uuid import uuid4

import orjson

from infra.local import demo
from tests import shared_data

COPIES = 3


def files(folder: Path) -> tuple[str, list[Path]]:
    """Returns what the files are, and the files; makes some where the real ones are absent."""
    absent = shared_data.missing()
    if not absent:
        return "three real files", list(shared_data.STATEMENTS)
    with gzip.open(demo.COURSE) as lines:
        statements = [orjson.loads(line) for line in lines]
    made = []
    for copy in range(COPIES):
        path = folder / f"demo{copy}.jsonl"
        with path.open("wb") as out:
            for statement in statements:
                out.write(orjson.dumps({**statement, "id": str(uuid4())}) + b"\n")
        made.append(path)
    return f"the demo course {COPIES} times (real files {absent})", made
