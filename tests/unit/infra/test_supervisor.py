"""Which processes `lrs up` runs."""

import pytest
from pydantic import ValidationError

from infra.local.supervisor import processes
from lrs.settings import Settings, Shard

SHARD = Shard(dsn="a", admin_dsn="b", keystore_dsn="c", keystore_admin_dsn="d")


def test_one_of_each_where_there_is_one_shard() -> None:
    assert processes(Settings()) == {name: [name] for name in ("api", "relay", "worker", "jobs")}


def test_every_shard_has_its_own_but_for_the_api() -> None:
    found = processes(Settings(shards={"ke": SHARD}))
    assert [name for name in found if name.startswith("api")] == ["api"]
    assert {name: found[name] for name in found if name.endswith("-ke")} == {
        f"{name}-ke": [name, "--shard", "ke"] for name in ("relay", "worker", "jobs")
    }


@pytest.mark.parametrize("name", ["", "Ke", "k e", "../ke", "-ke", "k" * 41])
def test_a_shard_is_called_what_may_stand_in_topics_and_files(name: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"shards": {name: SHARD}})
