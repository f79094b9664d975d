"""Files of real statements that are not part of the project: where they are, if they are here.

`LRS_SHARED_DATA` names the folder; without it, `../shared/data` beside the project.
"""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = Path(os.environ.get("LRS_SHARED_DATA", ROOT.parent / "shared" / "data"))
STATEMENTS = tuple(
    FOLDER / "statements" / name
    for name in (
        "funmooc_video.jsonl.gz",
        "oulad_DDD_2013J.jsonl.gz",
        "assistments09_dev_300learners.jsonl.gz",
    )
)


def missing() -> str:
    """Returns why the files cannot be used; empty where they can."""
    absent = [path.name for path in STATEMENTS if not path.exists()]
    return f"not in {FOLDER}/statements: {', '.join(absent)}" if absent else ""
