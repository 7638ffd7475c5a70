"""Who is at the other end: the browser's address, and the scheme and host it asked for."""

import ipaddress
from dataclasses import dataclass

from starlette.requests import HTTPConnection

__all__ = ["Peer", "bare", "peer"]


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a request.

    Attributes:
        address: its IP address; empty if unknown.
        secure: whether it came by https.
        host: the host (and port) that it asked for.
    """

    address: str
    secure: bool
    host: str

    @property
    def network(self) -> str:
        """What one party has: its address; of IPv6 the /64 that it lies in, all of whose addresses anybody may take."""
        try:
            address = ipaddress.IPv6Address(self.address)
        except ValueError:
            return self.address
        return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address), 64), strict=False))

    @property
    def origin(self) -> str:
        """What a browser says it came from, if it came from a page of ours."""
        return f"{'https' if self.secure else 'http'}://{self.host}".lower()


def peer(connection: HTTPConnection, behind_proxy: bool) -> Peer:
    """The other end of a request; behind a proxy, what the proxy itself added: the last of what was forwarded."""
    address = connection.client.host if connection.client else ""
    scheme, host = connection.url.scheme, connection.headers.get("host", "")
    if behind_proxy:
        address = _last(connection, "x-forwarded-for") or address
        scheme = _last(connection, "x-forwarded-proto") or scheme
        host = _last(connection, "x-forwarded-host") or host
    return Peer(address, scheme == "https", host)


def bare(host: str) -> str:
    """A host without its port: 127.0.0.1, localhost, ::1."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _last(connection: HTTPConnection, header: str) -> str:
    said = connection.headers.getlist(header)
    return said[-1].rpartition(",")[2].strip() if said else ""
