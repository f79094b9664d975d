"""The record store's services of one shard, wired together over two connection pools.

Open them after a process has forked: connections must not be shared. Who may come in, which
institutions there are and where they live is the directory's to say: those are the services of the
shard `home`, whichever shard the others work on.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from domain.placements import HOME
from lrs import shards
from lrs.activities import Activities
from lrs.attachments import Attachments
from lrs.contents import Contents
from lrs.credentials import Credentials
from lrs.cursors import Cursors
from lrs.documents import Documents
from lrs.following import Follower
from lrs.forwarding import Forwardings
from lrs.institutions import Institutions
from lrs.keys.blind_index import BlindIndex
from lrs.keys.file import KeyFile
from lrs.keys.port import KeyService
from lrs.keys.ring import KeyRing
from lrs.live import Live
from lrs.people import People
from lrs.placements import Placements
from lrs.pools import open_pool
from lrs.quarantine import Quarantine
from lrs.queries import Queries
from lrs.quotas import Quotas
from lrs.refusals import Refusals
from lrs.replica import Reads, open_replica
from lrs.settings import Settings
from lrs.statements import Statements
from lrs.store import RecordStore
from lrs.tenants import Tenants
from lrs.tokens import Tokens
from lrs.usage import Usage


@dataclass(frozen=True)
class Services:
    """What a process uses of the record store; `close` when done."""

    settings: Settings
    pool: ConnectionPool[psycopg.Connection[Any]]
    keystore_pool: ConnectionPool[psycopg.Connection[Any]]
    key_service: KeyService
    keyring: KeyRing
    blind: BlindIndex
    store: RecordStore
    people: People
    activities: Activities
    statements: Statements
    refusals: Refusals
    quarantine: Quarantine
    queries: Queries
    reads: Reads
    contents: Contents
    attachments: Attachments
    documents: Documents
    institutions: Institutions
    placements: Placements
    usage: Usage
    quotas: Quotas
    tenants: Tenants
    credentials: Credentials
    cursors: Cursors
    tokens: Tokens
    follower: Follower
    live: Live
    forwardings: Forwardings
    directory: "Services | None" = field(default=None, repr=False)
    """Those of the shard `home`; None where these are."""
    own_directory: "Services | None" = field(default=None, repr=False)

    def close(self) -> None:
        """Closes the connections."""
        if self.own_directory is not None:
            self.own_directory.close()
        self.reads.close()
        self.pool.close()
        self.keystore_pool.close()


def open_services(settings: Settings, directory: Services | None = None) -> Services:
    """Returns the services of the shard that `settings` describe.

    Another shard than home takes the directory that is given, or opens one of its own.
    """
    own = None
    if settings.shard != HOME and directory is None:
        directory = own = open_services(shards.at(settings, HOME))
    pool = open_pool(settings.dsn, settings)
    keystore_pool = open_pool(settings.keystore_dsn, settings)
    key_service = KeyFile(settings.key_file)
    keyring = KeyRing(
        keystore_pool,
        key_service,
        cache_seconds=settings.key_cache_seconds,
        rotation=timedelta(days=settings.key_rotation_days),
    )
    blind = BlindIndex(key_service)
    store = RecordStore(pool, keyring, blind)
    people = People(pool, blind)
    usage = Usage(store, pool)
    tenants = Tenants(pool, usage)
    credentials = directory.credentials if directory else Credentials(store, pool, tenants)
    contents = Contents(pool)
    activities = Activities(pool, blind, store.mapper)
    queries = Queries(pool, store, people, blind, budget=settings.page_budget)
    follower = Follower(pool, store)
    attachments = Attachments(pool, blind, store.mapper, contents)
    statements = Statements(
        store,
        people,
        activities,
        attachments,
        blind,
        authority_home_page=settings.authority_home_page,
        max_batch=settings.max_batch,
    )
    return Services(
        settings=settings,
        pool=pool,
        keystore_pool=keystore_pool,
        key_service=key_service,
        keyring=keyring,
        blind=blind,
        store=store,
        people=people,
        activities=activities,
        statements=statements,
        refusals=Refusals(
            pool,
            blind,
            store.mapper,
            max_bytes=settings.quarantine_max_bytes,
            max_items=settings.quarantine_max_items,
            max_batch=settings.max_batch,
        ),
        quarantine=Quarantine(pool, store.mapper, statements),
        queries=queries,
        reads=Reads(
            pool,
            store.consistent_through,
            open_replica(settings),
            max_lag=settings.replica_max_lag,
        ),
        contents=contents,
        attachments=attachments,
        documents=Documents(pool, store, people, blind=blind, contents=contents, ring=keyring),
        institutions=directory.institutions if directory else Institutions(store, pool),
        placements=directory.placements
        if directory
        else Placements(pool, sharded=bool(settings.shards)),
        usage=usage,
        quotas=Quotas(store, pool),
        tenants=tenants,
        credentials=credentials,
        cursors=Cursors(key_service.secret("cursors")),
        tokens=Tokens(key_service.secret("access tokens"), settings.token_seconds),
        follower=follower,
        live=Live(credentials, queries, follower),
        forwardings=Forwardings(store, pool, private_addresses=settings.forward_private_addresses),
        directory=directory,
        own_directory=own,
    )
