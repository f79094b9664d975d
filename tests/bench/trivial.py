"""A server that answers everything at once: what the load generator costs by itself."""

import select
import socket
from multiprocessing.connection import Connection

from infra.local.process import LOOPBACK

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
CHUNK = 1 << 18


def serve(told: Connection) -> None:
    """Sends the port that it listens on to `told`, then answers until it is killed."""
    listener = socket.create_server((LOOPBACK, 0))
    told.send(listener.getsockname()[1])
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    missing: dict[int, int] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
                continue
            client = clients[descriptor]
            chunk = client.recv(CHUNK)
            if not chunk:
                poll.unregister(client)
                client.close()
                continue
            left = missing.pop(descriptor, 0) or _size(chunk)
            if left > len(chunk):
                missing[descriptor] = left - len(chunk)
            else:
                client.sendall(ANSWER)


def _size(start: bytes) -> int:
    """Returns the bytes of a request whose head is in `start`."""
    head = start[: start.index(b"\r\n\r\n") + 4]
    at = head.find(b"Content-Length: ")
    return len(head) + (int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
