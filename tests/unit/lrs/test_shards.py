"""Which databases and topics a process on a shard works with."""

import pytest
from click.testing import CliRunner

from domain.errors import NotFound
from domain.placements import HOME
from infra.cli.settings import settings as show
from lrs import shards
from lrs.settings import Settings, Shard

KENYA = Shard(
    dsn="postgresql://w:secret@ke/lrs",
    admin_dsn="postgresql://a:secret@ke/lrs",
    keystore_dsn="postgresql://k:secret@ke/keys",
    keystore_admin_dsn="postgresql://ka:secret@ke/keys",
)
HERE = Settings(dsn="postgresql://w@here/lrs", shards={"ke": KENYA, "at": KENYA})


def test_a_shard_has_its_own_databases_and_topics() -> None:
    there = shards.at(HERE, "ke")
    assert (there.dsn, there.keystore_admin_dsn) == (KENYA.dsn, KENYA.keystore_admin_dsn)
    assert (there.shard, there.topic_prefix) == ("ke", "kumbuka-ke")
    assert shards.names(there) == shards.names(HERE) == [HOME, "at", "ke"]


def test_every_shard_knows_the_way_to_the_others() -> None:
    home = shards.at(shards.at(HERE, "ke"), HOME)
    assert (home.dsn, home.shard, home.topic_prefix) == (HERE.dsn, HOME, HERE.topic_prefix)
    other = shards.at(shards.at(HERE, "ke"), "at")
    assert (other.shard, other.topic_prefix) == ("at", "kumbuka-at")
    assert shards.at(HERE, HOME) is HERE


def test_an_unknown_shard_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="mars"):
        shards.at(HERE, "mars")


def test_no_password_of_a_shard_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRS_SHARDS", f'{{"ke": {KENYA.model_dump_json()}}}')
    shown = CliRunner().invoke(show, [])
    assert shown.exit_code == 0
    assert "@ke/keys" in shown.output and "secret" not in shown.output
