"""Where the time of the write path goes: microseconds per statement in each stage, one thread.

The stages are timed inside the real path, by wrapping the functions that it calls; what is left of
the whole is listed too, so that the table adds up.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import lrs.statements
from domain.credentials import Credential
from domain.values import json_text
from domain.values.version import Version
from lrs.activities import Activities
from lrs.keys.ring import KeyRing
from lrs.mapper import SealingMapper
from lrs.people import People
from lrs.recorder import LogRecorder
from lrs.services import Services

STAGES: dict[str, tuple[Any, str]] = {
    "judge by the rules (pydantic)": (lrs.statements, "check"),
    "find whom it names": (lrs.statements, "named"),
    "pseudonyms": (People, "resolve"),
    "catalogue of activities": (Activities, "remember"),
    "canonical form": (lrs.statements, "canonical"),
    "terms of the index (HMAC)": (lrs.statements, "terms_of"),
    "keys of persons": (KeyRing, "current"),
    "compress and seal (zstd, AES-GCM)": (SealingMapper, "seal_statements"),
    "send, wait for Postgres": (LogRecorder, "insert_events"),
}


def measure(services: Services, lines: list[bytes], batch: int) -> list[tuple[str, float]]:
    """Returns each stage with its time; records the statements in a new institution."""
    institution = services.institutions.create("stages").institution
    credential = Credential("bench", institution, "bench", frozenset())
    spent: Counter[str] = Counter()
    started = time.perf_counter()
    with _timed(spent):
        for first in range(0, len(lines), batch):
            parsing = time.perf_counter()
            statements = [json_text.parse(line) for line in lines[first : first + batch]]
            spent["parse JSON, strictly"] += time.perf_counter() - parsing  # type: ignore[assignment]
            services.statements.accept(credential, statements, Version.V1_0_3)
    whole = time.perf_counter() - started
    stages = ["parse JSON, strictly", *STAGES]
    rest = whole - sum(spent.values())
    found = [*((name, spent[name]) for name in stages), ("everything else", rest), ("whole", whole)]
    return [(name, seconds / len(lines) * 1e6) for name, seconds in found]


@contextmanager
def _timed(spent: Counter[str]) -> Iterator[None]:
    inner: list[float] = []
    with ExitStack() as stack:
        for name, (owner, attribute) in STAGES.items():
            wrapped = _timing(getattr(owner, attribute), name, spent, inner)
            stack.enter_context(mock.patch.object(owner, attribute, wrapped))
        yield


def _timing(
    work: Callable[..., Any], name: str, spent: Counter[str], inner: list[float]
) -> Callable[..., Any]:
    """Returns `work`, adding to `spent` the time of its own, without that of stages inside it."""

    def timing(*args: Any, **kwargs: Any) -> Any:
        inner.append(0.0)
        started = time.perf_counter()
        try:
            return work(*args, **kwargs)
        finally:
            seconds = time.perf_counter() - started
            spent[name] += seconds - inner.pop()  # type: ignore[assignment]
            if inner:
                inner[-1] += seconds

    return timing
