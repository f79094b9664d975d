"""Garbage is looked for as the API processes look for it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from infra.processes.api import GC_THRESHOLDS


@contextmanager
def as_in_the_api() -> Iterator[None]:
    """Lets garbage be looked for as seldom as an API process does, and not in what is here."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
