"""The load generator: a process of its own that sends requests made before, over kept connections.

It shares the machine with what it measures, so it does as little as it can: one thread, epoll, one
`send` and mostly one `recv` for a request, no parsing but of the status and the length. Requests
are whole HTTP requests as bytes (`tests.bench.requests`). A queue that is sent more than once gets
other statement ids each time: eight hex digits of every id are overwritten in place. Each
connection waits for its answer before it sends the next request.
"""

import select
import socket
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context

from infra.local.process import LOOPBACK
from tests.bench.requests import Request

CHUNK = 1 << 18
BUFFER = 1 << 20
SILENT_SECONDS = 60.0
"""After this long without any answer a run is given up: what is under way counts as an error."""

BROKEN = 0
"""The status of a request whose connection broke."""


@dataclass(frozen=True)
class Plan:
    """What to send where. One queue for all connections, or one for each.

    Every queue is sent once; with `seconds`, again and again until they are over.
    """

    port: int
    queues: list[list[Request]]
    connections: int
    seconds: float = 0.0


@dataclass
class Result:
    """What came back: lists run beside each other, one entry for each answer.

    `began` and `took` are seconds, from the start of the run and from the first byte sent to the
    last byte got; `held` is how many statements were accepted; `cpu` is what the generator itself
    used in all; `received` are bytes.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    kinds: list[str] = field(default_factory=list)
    kind: "array[int]" = field(default_factory=lambda: array("B"))
    began: "array[float]" = field(default_factory=lambda: array("d"))
    took: "array[float]" = field(default_factory=lambda: array("d"))
    status: "array[int]" = field(default_factory=lambda: array("H"))
    held: "array[int]" = field(default_factory=lambda: array("H"))
    received: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def statements(self) -> int:
        """How many statements were accepted."""
        return sum(self.held)

    @property
    def rate(self) -> float:
        """Statements a second that were accepted."""
        return self.statements / self.seconds

    @property
    def requests(self) -> int:
        """How many requests were answered, or broke."""
        return self.statuses.total()

    @property
    def failures(self) -> int:
        """Answers that are no success, and broken connections."""
        return sum(n for status, n in self.statuses.items() if failed(status))

    def latencies(self, kind: str = "", after: float = 0.0, before: float = 1e9) -> list[float]:
        """Returns the times of requests that began within these seconds, in milliseconds."""
        rows = zip(self.kind, self.began, self.took, strict=True)
        return [
            took * 1e3
            for number, began, took in rows
            if after <= began < before and kind in ("", self.kinds[number])
        ]


class Generator:
    """A process that runs plans, one after the other. It ends with `close`."""

    def __init__(self) -> None:
        self._pool = get_context("spawn").Pool(1)

    def run(self, plan: Plan) -> Result:
        """Returns what came back."""
        return self._pool.apply(_Run(plan).send)

    def close(self) -> None:
        """Ends the process."""
        self._pool.terminate()
        self._pool.join()


def failed(status: int) -> bool:
    """Whether a request was not done as it asked."""
    return not 200 <= status < 300


class _Connection:
    """One connection and the request that is under way on it."""

    __slots__ = ("body", "got", "needed", "queue", "request", "sent", "sock")

    def __init__(self, port: int, queue: Iterator[Request]) -> None:
        self.queue = queue
        self.connect(port)
        self.request: Request | None = None
        self.body = memoryview(b"")
        self.got = b""
        self.needed = 0
        self.sent = 0.0

    def connect(self, port: int) -> None:
        self.sock = socket.create_connection((LOOPBACK, port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.sock.setblocking(False)

    def receive(self) -> int | None:
        """Returns the status once the whole answer is there, BROKEN where it cannot come."""
        try:
            chunk = self.sock.recv(CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return BROKEN
        if not chunk:
            return BROKEN
        self.got = self.got + chunk if self.got else chunk
        if not self.needed:
            end = self.got.find(b"\r\n\r\n")
            if end < 0:
                return None
            self.needed = end + 4 + _length(self.got[:end].lower())
        return int(self.got[9:12]) if len(self.got) >= self.needed else None


class _Run:
    """One run of a plan; made in the parent, sent in the child."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def send(self) -> Result:
        """Returns what came back."""
        plan, result = self._plan, Result()
        numbers: dict[str, int] = {}
        self._stop_at = 0.0
        feeds = [self._feed(queue) for queue in plan.queues]
        poll = select.epoll()
        waiting = {}
        for number in range(plan.connections):
            connection = _Connection(plan.port, feeds[number % len(feeds)])
            poll.register(connection.sock, select.EPOLLIN)
            waiting[connection.sock.fileno()] = connection
        cpu, started = time.process_time(), time.perf_counter()
        self._stop_at = started + plan.seconds
        for connection in waiting.values():
            self._next(connection, poll)
        busy = sum(connection.request is not None for connection in waiting.values())
        ended = started
        while busy:
            ready = poll.poll(SILENT_SECONDS)
            if not ready:
                result.statuses[BROKEN] += busy
                break
            for descriptor, event in ready:
                connection = waiting[descriptor]
                if event & select.EPOLLOUT:
                    self._send(connection, poll)
                    continue
                status = connection.receive()
                if status is None or connection.request is None:
                    continue
                ended, request = time.perf_counter(), connection.request
                result.statuses[status] += 1
                result.received += connection.needed
                result.kind.append(numbers.setdefault(request.kind, len(numbers)))
                result.began.append(connection.sent - started)
                result.took.append(ended - connection.sent)
                result.status.append(status)
                result.held.append(0 if failed(status) else request.statements)
                if status == BROKEN:
                    self._again(connection, poll, waiting)
                self._next(connection, poll)
                busy -= connection.request is None
        result.seconds, result.cpu = ended - started, time.process_time() - cpu
        result.kinds = list(numbers)
        for connection in waiting.values():
            connection.sock.close()
        return result

    def _feed(self, queue: list[Request]) -> Iterator[Request]:
        """Yields the requests of a queue, with other ids each time round."""
        number = 0
        while queue:
            digits = b"%08x" % number
            for request in queue:
                if number:
                    data = request.data
                    for slot in request.slots:
                        data[slot : slot + 8] = digits
                yield request
            number += 1
            if not self._plan.seconds:
                return

    def _next(self, connection: _Connection, poll: select.epoll) -> None:
        connection.got, connection.needed = b"", 0
        if self._plan.seconds and time.perf_counter() > self._stop_at:
            connection.request = None
            return
        connection.request = next(connection.queue, None)
        if connection.request is not None:
            connection.body = memoryview(connection.request.data)
            connection.sent = time.perf_counter()
            self._send(connection, poll)

    def _send(self, connection: _Connection, poll: select.epoll) -> None:
        """Sends what the kernel takes; asks to be told when it takes more."""
        waited = (
            len(connection.body) < len(connection.request.data) if connection.request else False
        )
        try:
            sent = connection.sock.send(connection.body)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(connection.body)  # the broken connection shows at the next read
        connection.body = connection.body[sent:]
        if connection.body:
            poll.modify(connection.sock, select.EPOLLIN | select.EPOLLOUT)
        elif waited:
            poll.modify(connection.sock, select.EPOLLIN)

    def _again(
        self, connection: _Connection, poll: select.epoll, waiting: dict[int, _Connection]
    ) -> None:
        """Replaces a broken connection."""
        del waiting[connection.sock.fileno()]
        poll.unregister(connection.sock)
        connection.sock.close()
        connection.connect(self._plan.port)
        poll.register(connection.sock, select.EPOLLIN)
        waiting[connection.sock.fileno()] = connection


def _length(head: bytes) -> int:
    """Returns how many bytes follow the head of an answer."""
    at = head.find(b"content-length:")
    if at >= 0:
        return int(head[at + 15 :].split(b"\r\n", 1)[0])
    status = int(head[9:12])
    assert status == 204 or b"transfer-encoding" not in head, "answers are expected to say a length"
    return 0
