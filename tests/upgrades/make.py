"""Makes a dump of this release, for the upgrade test of the next: `python -m tests.upgrades.make`.

It fills an embedded instance with something of every kind, writes down what reads give, and keeps
database, keys and answers in `tests/upgrades/VERSION/`. Run it when a release is made; never
again for an old one.
"""

import gzip
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import orjson

from api.app import create_app
from api.services import Services
from domain.roles import Role
from infra.local.postgres import Postgres, binary
from infra.migrations import SERIES, migrate, migrations
from lrs.settings import Settings
from stream_processors.rebuild import rebuild
from tests.conftest import started
from tests.integration.api.conftest import Caller
from tests.upgrades.content import course, fill, ident, kinds
from tests.upgrades.reads import answer, learners, requests

Secrets = dict[str, tuple[str, str, str]]


def make(target: Path) -> None:
    """Writes `database.dump`, `keys.json`, `reads.json.gz` and `migrations.txt`.

    Raises FileExistsError where a release has been kept already: it is never made again.
    """
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with started(Postgres(Path(folder) / "postgres")) as server:
            settings = Settings(data=Path(folder), **server.dsns())
            migrate(settings)
            kept = _fill_and_read(settings)
            (target / "reads.json.gz").write_bytes(
                gzip.compress(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS), 9, mtime=0)
            )
            (target / "keys.json").write_bytes(settings.key_file.read_bytes())
            (target / "migrations.txt").write_text(
                "".join(
                    f"{migration.checksum.hex()}  {series.name} {migration.name}\n"
                    for series in SERIES
                    for migration in migrations(series)
                )
            )
            _dump(server, target / "database.dump")


def callers(services: Services, secrets: Secrets) -> dict[str, Caller]:
    """Returns those who ask: name to key, secret and version of xAPI."""
    app = create_app(services)
    return {name: Caller(app.test_client(), *of) for name, of in secrets.items()}


def _fill_and_read(settings: Settings) -> dict[str, object]:
    services = Services(settings)
    try:
        secrets = _people(services)
        asking = callers(services, secrets)
        fill(asking)
        rebuild(services.lrs, lambda position, head: None)
        named = [one["id"] for one in course()]
        named += [one["id"] for batch in kinds() for one in batch] + [ident("attached")]
        asked = [*requests(named), *learners(asking["instructor"])]
        answers = [(who, path, answer(asking[who], path)) for who, path in asked]
        return {"callers": secrets, "answers": answers}
    finally:
        services.close()


def _people(services: Services) -> Secrets:
    institution = services.institutions.create("Upgrade college").institution
    services.institutions.create("Another college")
    secrets: Secrets = {}
    for role in Role:
        key, secret = services.credentials.issue(institution, f"the {role}", [role])
        secrets[str(role)] = (key, secret, "2.0.0")
    key, secret = services.credentials.issue(institution, "of older clients", [Role.TOOL])
    fresh, _ = services.credentials.rotate(institution, key, 60)
    secrets["old"] = (key, fresh, "1.0.3")
    revoked, _ = services.credentials.issue(institution, "of before", [Role.TOOL])
    services.credentials.revoke(institution, revoked)
    return secrets


def _dump(server: Postgres, file: Path) -> None:
    subprocess.run(
        [
            *(str(binary("pg_dump")), "--format=custom", "--compress=9"),
            *(f"--file={file}", server.admin_dsn),
        ],
        check=True,
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / version("kumbuka-lrs"))
