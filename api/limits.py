"""How fast one credential may go: requests and statements per second, in this process.

A token bucket for each credential and kind. What is taken may overdraw it, so that a batch larger
than the bucket passes once and is paid for by waiting. Buckets are not shared: with several API
processes a credential may go as many times faster.
"""

import math
import time
from dataclasses import dataclass
from threading import Lock

from flask import Flask, current_app

from domain.credentials import Credential
from domain.errors import TooFast
from lrs.settings import Settings

EXTENSION = "kumbuka_limits"
BURST_SECONDS = 2.0
"""A bucket holds what may be sent in this time, so that bursts are not punished."""

MOST_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Buckets:
    """The buckets of one kind. Thread-safe."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}
        self._lock = Lock()

    def take(self, key: str, amount: float, rate: float, now: float) -> float:
        """Takes `amount` from what `key` may send and returns 0, or the seconds to wait first.

        `rate` is in units per second; `now`, in seconds, never runs backwards.
        """
        full = max(1.0, rate * BURST_SECONDS)
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None:
                if len(self._buckets) >= MOST_BUCKETS:
                    self._forget_full(now)
                bucket = self._buckets[key] = _Bucket(full, now)
            bucket.left = min(full, bucket.left + (now - bucket.at) * rate)
            bucket.at = now
            needed = min(1.0, amount)
            if bucket.left < needed - 1e-9:
                return (needed - bucket.left) / rate
            bucket.left -= amount
            return 0.0

    def _forget_full(self, now: float) -> None:
        """Forgets who sent nothing for a while: theirs are full, as a new one is."""
        kept = {k: b for k, b in self._buckets.items() if b.left < 0 or now - b.at < BURST_SECONDS}
        self._buckets = kept if len(kept) < MOST_BUCKETS else {}


class Limits:
    """The limits of one app."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._requests = Buckets()
        self._statements = Buckets()

    def request(self, credential: Credential) -> None:
        """Counts a request; raises TooFast."""
        own = credential.rates.requests
        rate = self._settings.rate_requests if own is None else own
        _take(self._requests, credential, 1, rate, "requests")

    def statements(self, credential: Credential, count: int) -> None:
        """Counts statements that are about to be stored; raises TooFast."""
        own = credential.rates.statements
        rate = self._settings.rate_statements if own is None else own
        _take(self._statements, credential, count, rate, "statements")


def install(app: Flask, settings: Settings) -> None:
    """Gives the app its limits."""
    app.extensions[EXTENSION] = Limits(settings)


def limits() -> Limits:
    """Returns the limits of the app that handles this request."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Limits)
    return found


def _take(buckets: Buckets, credential: Credential, amount: int, rate: float, what: str) -> None:
    if not rate or not amount:
        return
    wait = buckets.take(credential.key, amount, rate, time.monotonic())
    if wait:
        raise TooFast(f"more than {rate:g} {what} per second", math.ceil(wait))
