"""What an executor and its sender say to each other: length-prefixed frames on a private socket.

All times are seconds of CLOCK_MONOTONIC, which the processes of one machine share.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

_LENGTH = struct.Struct("<I")


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Keep a connection open under `key`. `addresses` are (family, host, port); `tls_name` '': plain TCP."""

    key: int
    addresses: tuple[tuple[int, str, int], ...]
    tls_name: str = ""


class Close(msgspec.Struct, frozen=True, tag="close"):
    key: int


class Shoot(msgspec.Struct, frozen=True, tag="shoot"):
    """Send `request` on the connection `key` at `at_s`, never before, and not after `until_s`.

    `within_s` is the time for the answer; `has_body` is false for the answer to a HEAD.
    """

    call_id: int
    key: int
    request: bytes
    at_s: float
    until_s: float
    within_s: float = 1.0
    has_body: bool = True

    def __repr__(self) -> str:
        return f"Shoot({self.call_id} on {self.key} at {self.at_s:.6f})"


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    at_s: float


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    key: int
    at_s: float


class Lost(msgspec.Struct, frozen=True, tag="lost"):
    """The connection ended or did not come about; another is being opened."""

    key: int
    at_s: float
    why: str


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """The last byte was given to the kernel at `at_s`."""

    call_id: int
    at_s: float


class NotSent(msgspec.Struct, frozen=True, tag="not_sent"):
    """Certainly nothing of it left this machine."""

    call_id: int
    at_s: float
    why: str


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    call_id: int
    at_s: float
    status: int
    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answered({self.call_id} with {self.status})"


class Unanswered(msgspec.Struct, frozen=True, tag="unanswered"):
    """It was sent, or partly, and no whole answer came: its outcome is unknown."""

    call_id: int
    at_s: float
    why: str


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    at_s: float


Command = Open | Close | Shoot | Ping
Event = Opened | Lost | Sent | NotSent | Answered | Unanswered | Pong

_encoder = msgspec.msgpack.Encoder()


def frame(message: Command | Event) -> bytes:
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Cuts the stream into messages as they arrive."""

    def __init__(self, kind: object) -> None:
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._data = bytearray()

    def feed(self, piece: bytes) -> None:
        self._data += piece

    def messages(self) -> Iterator[object]:
        """Those that are complete. A consumer that stops early finds the others the next time."""
        at = 0
        try:
            while len(self._data) - at >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._data, at)
                end = at + _LENGTH.size + length
                if len(self._data) < end:
                    return
                body = bytes(self._data[at + _LENGTH.size : end])
                at = end
                yield self._decoder.decode(body)
        finally:
            del self._data[:at]
