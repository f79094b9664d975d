"""Shards: whole databases beside the default one, each with its part of the institutions.

The default database is the shard `home` and the directory: who may come in, and which institution
lives where (`lrs.placements`). Every process works on one shard, but the API, which opens each as
it is asked for.
"""

from domain.errors import NotFound
from domain.placements import HOME
from lrs.settings import Settings, Shard


def names(settings: Settings) -> list[str]:
    """Returns the names of all shards, `home` first."""
    return [HOME, *sorted(settings.shards.keys() - {HOME})]


def at(settings: Settings, name: str) -> Settings:
    """Returns the settings of a process that works on this shard. Raises `NotFound`.

    They still know the others, `home` by its name. Kafka topics and groups are the shard's own:
    positions of two logs must never meet in one.
    """
    if name == settings.shard:
        return settings
    known = {HOME: _here(settings), **settings.shards}
    if name not in known:
        raise NotFound(f"no shard is called {name!r}; LRS_SHARDS knows {', '.join(known)}")
    prefix = settings.topic_prefix
    if HOME in settings.shards:
        prefix = prefix.removesuffix(f"-{settings.shard}")
    changed = {
        "shards": known,
        "shard": name,
        "topic_prefix": prefix if name == HOME else f"{prefix}-{name}",
    }
    return settings.model_copy(update=known[name].model_dump() | changed)


def _here(settings: Settings) -> Shard:
    return Shard(
        dsn=settings.dsn,
        admin_dsn=settings.admin_dsn,
        keystore_dsn=settings.keystore_dsn,
        keystore_admin_dsn=settings.keystore_admin_dsn,
        replica_dsn=settings.replica_dsn,
    )
