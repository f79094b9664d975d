"""A streaming replica of an embedded PostgreSQL, as our own child, for tests and for trying out.

Copied from its primary while that runs, and then fed by it. Roles, passwords and databases are the
primary's.
"""

import os
import shutil
import subprocess
from pathlib import Path

import orjson
import psycopg

from infra.local.postgres import ADMIN, Postgres, as_server_user, binary
from infra.local.process import LOOPBACK, StartFailed


class Replica(Postgres):
    """A replica of `primary` in `folder`; it starts where the primary is then."""

    def __init__(self, primary: Postgres, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self._primary = primary

    def pause(self) -> None:
        """Replays nothing more until `resume`; what comes is kept meanwhile."""
        self._do("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        """Replays what came, and what comes."""
        self._do("SELECT pg_wal_replay_resume()")

    def _do(self, query: str) -> None:
        with psycopg.connect(self.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
            connection.execute(query.encode())

    def _load_passwords(self) -> None:
        self._passwords = orjson.loads((self._primary.folder / "passwords.json").read_bytes())

    def _make_cluster(self) -> None:
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        owner = self._primary.cluster.stat()
        if os.geteuid() == 0:
            os.chown(fresh, owner.st_uid, owner.st_gid)
        command = [
            *(str(binary("pg_basebackup")), "-h", LOOPBACK, "-p", str(self._primary.port)),
            *("-U", ADMIN, "-D", str(fresh), "-R", "-X", "stream", "-c", "fast"),
        ]
        done = subprocess.run(  # noqa: S603
            as_server_user(command, fresh),
            env={**os.environ, "PGPASSWORD": self._passwords[ADMIN]},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StartFailed(f"pg_basebackup failed: {done.stderr.strip()}")
        fresh.rename(self.cluster)

    def _ensure_roles(self) -> None:
        """They are the primary's."""
