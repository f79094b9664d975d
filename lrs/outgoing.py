"""Outgoing requests: to addresses that others name, and so never to what only we can reach.

A name is resolved once, every address of it is judged, and the connection goes to the address that
was judged: a name that resolves otherwise a moment later leads nowhere else. Redirects are not
followed, proxies of the environment not used.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError

from domain.errors import Error

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
ANSWER_BYTES = 64 * 1024
"""An answer that is longer is not read: its status says what counts."""

NAT64 = IPv6Network("64:ff9b::/96")
PORTS = {"http": 80, "https": 443}


class Unreachable(Error):
    """No answer came. `kind` says why in a word or two, without naming anything."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, and after how many seconds the receiver wants to be asked again."""

    status: int
    retry_after: float | None


class Outgoing:
    """A line to the host of one URL; close it when done, so that the name is resolved anew."""

    def __init__(self, url: str, *, private: bool) -> None:
        """Resolves the host; raises `Unreachable` for no address, or for one that is not public
        unless `private`.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or PORTS[parts.scheme]
        address = resolve(host, port, private=private)
        timeout = Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
        self._host = parts.netloc
        self._path = parts.path
        self._pool: HTTPConnectionPool
        if parts.scheme == "https":
            self._pool = HTTPSConnectionPool(
                address, port, timeout=timeout, server_hostname=host, assert_hostname=host
            )
        else:
            self._pool = HTTPConnectionPool(address, port, timeout=timeout)

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Returns the answer to a POST at `path` below the URL; raises `Unreachable`."""
        try:
            response = self._pool.urlopen(
                "POST",
                self._path + path,
                body=body,
                headers={**headers, "Host": self._host},
                redirect=False,
                retries=False,
                preload_content=False,
            )
            # Read whole, it leaves the connection fit for the next request.
            if int(response.headers.get("Content-Length") or ANSWER_BYTES) < ANSWER_BYTES:
                response.read()
                response.release_conn()
            else:
                response.close()
        except NewConnectionError:
            raise Unreachable("no connection") from None
        except TimeoutError:
            raise Unreachable("timeout") from None
        except (HTTPError, OSError, ValueError) as error:
            raise Unreachable(f"connection: {type(error).__name__}") from None
        return Answer(response.status, _seconds(response.headers.get("Retry-After")))

    def close(self) -> None:
        """Ends the connections."""
        self._pool.close()


def resolve(host: str, port: int, *, private: bool) -> str:
    """Returns an address of `host`; raises `Unreachable` where none, or any that is not allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable("the name does not resolve") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not private and not all(is_public(address) for address in addresses):
        raise Unreachable("the address is not public")
    return addresses[0]


def is_public(text: str) -> bool:
    """Returns whether an IP address is of the public Internet, and carries no other that is not."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address in NAT64:
            return is_public(str(IPv4Address(int(address) & 0xFFFFFFFF)))
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if address.sixtofour is not None or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def _seconds(header: str | None) -> float | None:
    """Returns what a Retry-After says (RFC 9110, 10.2.3), or None."""
    if header is None:
        return None
    with suppress(ValueError, TypeError, OverflowError):
        if header.strip().isdigit():
            return float(header)
        moment = parsedate_to_datetime(header)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None
