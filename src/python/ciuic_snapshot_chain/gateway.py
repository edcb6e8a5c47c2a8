"""Whether a gateway can be where the configuration says: a mistyped port should not cost minutes."""

from __future__ import annotations

import logging
import socket
from urllib.parse import urlsplit

from .errors import InvalidInput

log = logging.getLogger("ciuic_snapshot_chain")

_SECONDS = 2.0


def look(endpoint: str, patience: float) -> None:
    """
    Refuses a port at which something answers that is no HTTP; says at once where nothing answers, which is then waited for.

    :raises InvalidInput: something else listens there.
    """
    place = urlsplit(endpoint)
    if place.scheme != "http" or not place.hostname:
        return  # the library says what is wrong with it, and checks certificates
    try:
        with socket.create_connection((place.hostname, place.port or 80), timeout=_SECONDS) as connection:
            said = _ask(connection, place.hostname)
    except OSError as error:
        log.warning(
            "No gateway answers at %s (%s). It is waited for, %.0f s at first (connect_patience). Is a silo running there? "
            "blockchain_endpoint says where.", endpoint, error, patience,
        )
        return
    if said and not said.startswith(b"HTTP/"):
        raise InvalidInput(f"What listens at {endpoint} is no gateway: it does not speak HTTP. Is blockchain_endpoint the gateway's port?")


def _ask(connection: socket.socket, host: str) -> bytes:
    """The first bytes of the answer; none where nothing comes in time."""
    connection.settimeout(_SECONDS)
    try:
        connection.sendall(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return connection.recv(16)
    except OSError:
        return b""
