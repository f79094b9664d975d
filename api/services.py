"""What the API is made of: the record store's services of each shard, opened on first use.

A container is made before a worker process forks and opens its pools only when the first request
asks, because connections must not be shared over a fork. Views reach the services of their caller's
institution by `services()`: this is the one place where a request finds its way to a shard.
"""

from collections.abc import Callable
from functools import partial
from threading import Lock
from uuid import UUID

from flask import current_app, g
from psycopg_pool import ConnectionPool

from api.erasures import erasures_of
from api.releases import pipeline_of
from clickhouse.pipeline import Pipeline
from domain.placements import HOME, Placement
from lrs import shards
from lrs.activities import Activities
from lrs.attachments import Attachments
from lrs.credentials import Credentials
from lrs.cursors import Cursors
from lrs.documents import Documents
from lrs.erasure import Erasures
from lrs.institutions import Institutions
from lrs.quarantine import Quarantine
from lrs.queries import Queries
from lrs.refusals import Refusals
from lrs.replica import Reads
from lrs.services import Services as RecordStoreServices
from lrs.services import open_services
from lrs.settings import Settings
from lrs.statements import Statements
from lrs.store import RecordStore
from lrs.tokens import Tokens

EXTENSION = "kumbuka"


class Services:
    """The services of one API process, on one shard; those of `home` open the others."""

    def __init__(
        self,
        settings: Settings,
        opener: Callable[[Settings], RecordStoreServices] = open_services,
    ) -> None:
        self.settings = settings
        self._others: dict[str, Services] = {}
        self._opener = opener
        self._opened: RecordStoreServices | None = None
        self._analytics: Pipeline | None = None
        self._erasures: Erasures | None = None
        self._lock = Lock()

    @property
    def lrs(self) -> RecordStoreServices:
        """The record store's services; raises Overloaded's causes when a database is away."""
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    self._opened = self._opener(self.settings)
        return self._opened

    @property
    def pool(self) -> ConnectionPool:
        """Connections to the main database, writer role."""
        return self.lrs.pool

    @property
    def store(self) -> RecordStore:
        """The event log."""
        return self.lrs.store

    @property
    def statements(self) -> Statements:
        """The way in of statements."""
        return self.lrs.statements

    @property
    def refusals(self) -> Refusals:
        """What keeps refused statements."""
        return self.lrs.refusals

    @property
    def quarantine(self) -> Quarantine:
        """Refused statements."""
        return self.lrs.quarantine

    @property
    def queries(self) -> Queries:
        """The way out of statements."""
        return self.lrs.queries

    @property
    def reads(self) -> Reads:
        """Where statements and views are read: the primary, or a replica."""
        return self.lrs.reads

    @property
    def activities(self) -> Activities:
        """The catalogue that gives names to opaque activity ids."""
        return self.lrs.activities

    @property
    def documents(self) -> Documents:
        """State and profiles."""
        return self.lrs.documents

    @property
    def attachments(self) -> Attachments:
        """What statements carry."""
        return self.lrs.attachments

    @property
    def credentials(self) -> Credentials:
        """Who may come in."""
        return self.lrs.credentials

    @property
    def institutions(self) -> Institutions:
        """The tenants."""
        return self.lrs.institutions

    @property
    def cursors(self) -> Cursors:
        """Seals and opens the cursors of pages of the caller's institution."""
        return self.lrs.cursors.at(0 if (found := placement()) is None else found.epoch)

    @property
    def tokens(self) -> Tokens:
        """Gives and reads access tokens."""
        return self.lrs.tokens

    @property
    def analytics(self) -> Pipeline:
        """Released aggregates and their budget."""
        lrs = self.lrs
        with self._lock:
            if self._analytics is None:
                self._analytics = pipeline_of(lrs)
        return self._analytics

    @property
    def erasures(self) -> Erasures:
        """Forgetting people, in the record store and the views."""
        lrs = self.lrs
        with self._lock:
            if self._erasures is None:
                self._erasures = erasures_of(lrs)
        return self._erasures

    def at(self, shard: str) -> "Services":
        """Returns the services of another shard; they share this directory."""
        if shard == HOME:
            return self
        directory = self.lrs
        with self._lock:
            if shard not in self._others:
                settings = shards.at(self.settings, shard)
                self._others[shard] = Services(settings, partial(_open, directory=directory))
            return self._others[shard]

    def close(self) -> None:
        """Closes the pools, if they were opened."""
        for other in self._others.values():
            other.close()
        with self._lock:
            if self._analytics is not None:
                self._analytics.client.close()
                self._analytics = None
            self._erasures = None
            if self._opened is not None:
                self._opened.close()
                self._opened = None


def services() -> Services:
    """Returns the services of the shard where the caller's institution lives; of `home` before
    anybody is known, and for what belongs to nobody.
    """
    home = current_app.extensions[EXTENSION]
    assert isinstance(home, Services)
    if not home.settings.shards or (found := placement()) is None:
        return home
    return home.at(found.shard)


def placement() -> Placement | None:
    """Returns where the caller's institution lives; None where it can only be at home."""
    found: Placement | None = g.get("placement")
    return found


def go_to(institution: UUID) -> None:
    """Sends the rest of this request to where the institution lives now."""
    home = current_app.extensions[EXTENSION]
    if home.settings.shards:
        g.placement = home.lrs.placements.of(institution)


def _open(settings: Settings, *, directory: RecordStoreServices) -> RecordStoreServices:
    return open_services(settings, directory)
