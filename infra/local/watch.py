"""One supervised part: starts it, notices its end, starts it again with back-off.

Knows nothing of what the part is; `supervisor` says how it starts.
"""

import time
from collections.abc import Callable

import structlog

from infra.local.process import Child, StartFailed

log = structlog.get_logger(__name__)

FIRST_DELAY, LONGEST_DELAY, HEALTHY_AFTER = 0.5, 30.0, 60.0


class Watched:
    """A part with its child process. Times are seconds of the monotonic clock."""

    def __init__(
        self,
        name: str,
        child: Child,
        start: Callable[[], None],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.tell = tell
        self.child = child
        self._start = start
        self._started = 0.0
        self._failures = 0
        self._retry_at: float | None = None

    def start(self) -> None:
        """Starts the part. Raises StartFailed."""
        self._started = time.monotonic()
        self._start()
        log.info("started", part=self.name, pid=self.child.pid)

    def tend(self) -> bool:
        """Looks after the part once; returns whether it was started again just now."""
        now = time.monotonic()
        if self.child.alive():
            if now - self._started > HEALTHY_AFTER:
                self._failures = 0
            return False
        if self._retry_at is None:
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2**self._failures)
            self._failures += 1
            self._retry_at = now + delay
            code = self.child.process.returncode if self.child.process else None
            log.warning("ended", part=self.name, code=code, restart_in_seconds=delay)
            self.tell(f"{self.name} ended (code {code}); starting it again. See {self.child.log}")
            return False
        if now < self._retry_at:
            return False
        self._retry_at = None
        try:
            self.start()
        except StartFailed as error:
            log.warning("start_failed", part=self.name, reason=str(error))
            return False
        return True
