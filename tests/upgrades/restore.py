"""Brings the dump of a release into a running server, as the database of an instance."""

import gzip
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psycopg
from psycopg import sql

from infra.local.postgres import ADMIN, Postgres, binary
from lrs.settings import Settings

HERE = Path(__file__).parent
RELEASES = sorted(folder.parent.name for folder in HERE.glob("*/database.dump"))


def restore(server: Postgres, release: str, data: Path) -> Settings:
    """Returns the settings of a database as `release` left it; nothing is migrated."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dump = HERE / release / "database.dump"
    subprocess.run(
        [
            *(str(binary("pg_restore")), "--exit-on-error"),
            *(f"--dbname={server.dsn_of(ADMIN, name)}", str(dump)),
        ],
        check=True,
    )
    keys = data / "keys" / "kek.json"
    keys.parent.mkdir(parents=True, mode=0o700)
    shutil.copyfile(HERE / release / "keys.json", keys)
    return Settings(data=data, **server.dsns(name))


def kept(release: str) -> dict[str, Any]:
    """Returns what was kept beside the dump: `callers` and `answers`."""
    content: dict[str, Any] = orjson.loads(
        gzip.decompress((HERE / release / "reads.json.gz").read_bytes())
    )
    return content
