"""Every setting of the system: typed, documented, in one place.

A value comes from the environment (`LRS_...`), else from the running instance's file in the data
folder (written by `lrs up`), else from the default here. `docs/settings.md` lists the same, and a
test compares.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

INSTANCE_FILE = "instance.json"


ShardName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
"""Stands in the names of topics, processes and files."""


class Shard(BaseModel):
    """The databases of a shard beside the default one; no two shards share a key store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dsn: str
    admin_dsn: str
    keystore_dsn: str
    keystore_admin_dsn: str
    replica_dsn: str = ""


class Settings(BaseSettings):
    """What a process needs to know. Fields are grouped by the part that they belong to."""

    model_config = SettingsConfigDict(env_prefix="LRS_", extra="ignore", frozen=True)

    data: Path = Field(Path("var"), description="Folder of everything an embedded instance keeps.")

    dsn: str = Field("", description="Postgres DSN of the event store and views, writer role.")
    admin_dsn: str = Field("", description="Postgres DSN that owns the schemas; for migrations.")
    keystore_dsn: str = Field(
        "", description="Postgres DSN of the key store; may be a server of its own."
    )
    keystore_admin_dsn: str = Field("", description="Postgres DSN that owns the key store.")
    shards: dict[ShardName, Shard] = Field(
        {},
        description="Further shards (JSON): name to dsn, admin_dsn, keystore_dsn,"
        " keystore_admin_dsn and, if it has one, replica_dsn. The databases here are the shard"
        " `home`.",
    )
    shard: str = Field(
        "home", description="Set by --shard: the one that a process works on. Leave it alone."
    )
    replica_dsn: str = Field(
        "",
        description="Postgres DSN of a streaming replica that statements and views are read from.",
    )
    replica_max_lag: float = Field(
        5.0, gt=0, description="Seconds that the replica may be behind; then the primary is read."
    )
    pool_size: int = Field(8, ge=1, description="Database connections of each process.")
    pool_timeout: float = Field(
        2.0, gt=0, description="Seconds that a request waits for its turn in all; then it gets 503."
    )
    lock_timeout: float = Field(
        10.0,
        gt=0,
        description="Seconds to wait for a lock in the database; in the API pool_timeout at most.",
    )

    kafka: str = Field("", description="Kafka bootstrap servers, host:port[,host:port].")
    kafka_partitions: int = Field(12, ge=1, description="Partitions of the facts topic; fixed.")
    topic_prefix: str = Field("kumbuka", description="Prefix of Kafka topics and groups.")

    kafka_jars: Path | None = Field(
        None, description="Folder of the embedded broker's jars; default: .kafka of the checkout."
    )

    clickhouse_url: str = Field("", description="ClickHouse HTTP URL, with user and password.")

    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port that the API listens on.")
    public_url: str = Field("", description="Address under which users reach the API.")
    api_workers: int = Field(
        0,
        ge=0,
        description="API processes; 0: one for each core, at most 4. Where there are as many as"
        " cores, each keeps to one.",
    )
    api_threads: int = Field(
        512,
        ge=4,
        description="Request threads of each API process; those beyond max_concurrent are for"
        " requests that wait, or are refused.",
    )

    kek_file: Path | None = Field(
        None, description="File of key-encryption keys and pepper; default DATA/keys/kek.json."
    )
    key_cache_seconds: float = Field(
        60.0, ge=0, le=60, description="How long a process may keep a data key in memory."
    )
    key_rotation_days: int = Field(
        90, ge=1, le=365, description="Age after which new writes get a new data key version."
    )

    authority_home_page: str = Field(
        "https://lrs.kumbuka.example/credentials",
        description="homePage of the account that stands as authority of accepted statements.",
    )
    default_xapi_version: Literal["1.0.3", "2.0.0"] = Field(
        "2.0.0", description="xAPI version assumed where no rule needs the header."
    )
    max_batch: int = Field(1000, ge=1, description="Most statements in one POST.")
    max_body_bytes: int = Field(16 * 1024 * 1024, ge=1024, description="Largest request body.")
    max_page: int = Field(500, ge=1, description="Most statements in one page.")
    page_budget_ms: int = Field(
        200,
        ge=1,
        le=5000,
        description="Database time of one page of statements in ms; then it comes back short.",
    )

    quarantine_days: int = Field(
        30, ge=1, description="How long what was refused is kept, since it came first."
    )
    quarantine_max_bytes: int = Field(
        256 * 1024, ge=0, description="Most bytes of statements that are kept of a refused request."
    )
    quarantine_max_items: int = Field(
        1000, ge=1, description="Refused requests kept of each credential; the oldest give way."
    )

    live_streams: int = Field(
        4, ge=0, description="Live streams of statements of each API process; each takes a thread."
    )
    forward_private_addresses: bool = Field(
        False,
        description="Whether statements may be forwarded to loopback and private addresses.",
    )

    rate_requests: float = Field(
        0,
        ge=0,
        description="Requests per second of one credential, in each API process; 0: no limit.",
    )
    rate_statements: float = Field(
        0,
        ge=0,
        description="Statements per second of one credential, in each API process; 0: no limit.",
    )
    max_concurrent: int = Field(
        64,
        ge=1,
        description="Requests that an API process works on at once; others wait, or get 503.",
    )
    token_seconds: int = Field(
        600, ge=30, le=3600, description="How long an OAuth access token is good, in seconds."
    )
    cors_origins: list[str] = Field(
        ["*"],
        description="Origins (JSON list) whose pages may use /xapi and /oauth; * is any.",
    )

    pass_score: float = Field(
        0.5, ge=0, le=1, description="Scaled score that passes where a statement does not say."
    )
    course_prefixes: list[str] = Field(
        [], description="IRIs (JSON list) under which activities belong to the course of that IRI."
    )
    evaluate_seconds: float = Field(
        5.0, gt=0, description="How often struggling flags are evaluated."
    )
    release_check_seconds: float = Field(
        300.0, gt=0, description="How often the jobs process looks for releases that are due."
    )
    epsilon: float = Field(4.0, gt=0, le=8, description="Privacy budget per term, as epsilon.")
    delta: float = Field(1e-6, gt=0, lt=1e-3, description="Privacy budget per term, as delta.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )

    @property
    def page_budget(self) -> timedelta:
        """How long the database may look for one page of statements."""
        return timedelta(milliseconds=self.page_budget_ms)

    @property
    def key_file(self) -> Path:
        """Where key-encryption keys, pepper and signing keys are kept (mode 0600)."""
        return self.kek_file or self.data / "keys" / "kek.json"


def load(data: Path | None = None, **overrides: object) -> Settings:
    """Returns the settings of the instance in `data` (default: `LRS_DATA`, then `var`).

    Overrides win over the environment, which wins over the instance file.
    """
    chosen = Path(data) if data is not None else Settings().data
    instance: dict[str, object] = {}
    file = chosen / INSTANCE_FILE
    if file.exists():
        instance = orjson.loads(file.read_bytes()).get("settings", {})
    from_environment = Settings().model_dump(exclude_unset=True)
    return Settings.model_validate({**instance, **from_environment, "data": chosen, **overrides})
