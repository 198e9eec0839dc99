"""SSH packets under AES-GCM: sealed and opened by us, because paramiko copies each many times.

RFC 5647, as OpenSSH has it (PROTOCOL, section 1.6): the length is in clear and authenticated, the
tag has 16 bytes, the last 8 of the nonce's 12 bytes count packets. Keys, other ciphers and all that
comes before are paramiko's. Compression is never asked for.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from typing import Any, Callable

import paramiko
from paramiko.packet import NeedRekeyException, Packetizer

from boot2docker_py.ssh.over_paramiko.buffered_socket import READ_BYTES, BufferedSocket

# RFC 4250, section 4.1.2
_MSG_CHANNEL_DATA = 94

_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">IB")  # the length, the padding's length
_DATA_HEADER = struct.Struct(">BBII")  # the padding's length, kind, channel, length of the data
_BLOCK_BYTES = 16
_TAG_BYTES = 16
_LEAST_PADDING_BYTES = 4


class BulkMessage(paramiko.Message):
    """A message of bytes for a channel, which lie in the opened packet."""

    def __init__(self, packet: bytes) -> None:
        super().__init__(packet)  # shared, not copied
        self.packet.seek(2)  # behind the padding's length and the kind
        self._packet = packet

    def data(self) -> memoryview:
        """Return the bytes, uncopied."""
        _padding, _kind, _channel, count = _DATA_HEADER.unpack_from(self._packet)
        return memoryview(self._packet)[_DATA_HEADER.size : _DATA_HEADER.size + count]


class _Cipher:
    """One direction's cipher, and how much it has done."""

    def __init__(self, engine: Any, first_nonce: bytes) -> None:
        self.encrypt, self.decrypt = engine.encrypt, engine.decrypt
        self.bytes_done = 0
        self._fixed, self._count = first_nonce[:4], int.from_bytes(first_nonce[4:], "big")

    def next_nonce(self) -> bytes:
        nonce = self._fixed + self._count.to_bytes(8, "big")
        self._count = (self._count + 1) & 0xFFFFFFFFFFFFFFFF
        return nonce


class GuestPacketizer(Packetizer):
    """Read and write packets, those under AES-GCM by few copies."""

    def __init__(self, sock: BufferedSocket) -> None:
        super().__init__(sock)  # type: ignore[arg-type]
        self.before_reading: Callable[[], None] = lambda: None
        self._sock = sock
        self._opening: _Cipher | None = None
        self._sealing: _Cipher | None = None
        self._sealing_lock = threading.Lock()
        self._next_number = 0

    def set_inbound_cipher(self, **values: Any) -> None:  # type: ignore[override]
        """Read with another cipher from the next packet on."""
        super().set_inbound_cipher(**values)
        is_gcm = values.get("aead")
        self._opening = _Cipher(values["block_engine"], values["iv_in"]) if is_gcm else None

    def set_outbound_cipher(self, **values: Any) -> None:  # type: ignore[override]
        """Write with another cipher from the next packet on."""
        with self._sealing_lock:
            super().set_outbound_cipher(**values)
            is_gcm = values.get("aead")
            self._sealing = _Cipher(values["block_engine"], values["iv_out"]) if is_gcm else None

    def reset_seqno_in(self) -> None:
        """Count packets from 0 again."""
        super().reset_seqno_in()
        self._next_number = 0

    def read_message(self) -> tuple[int, paramiko.Message]:
        """Wait for a message and return its kind and itself.

        Raises:
            EOFError: the connection is closed.
            NeedRekeyException: keys must be renewed first.
            paramiko.SSHException: it is not SSH.
        """
        if self._opening is None:
            self.before_reading()
            kind, message = super().read_message()
            self._next_number = message.seqno + 1
            return kind, message
        kind, message = self._open(self._next_packet(), self._opening)
        message.seqno = self._next_number & 0xFFFFFFFF
        self._next_number += 1
        return kind, message

    def send_message(self, data: Any) -> None:
        """Write one message, which `data.asbytes()` gives.

        Raises:
            EOFError: the connection is closed.
        """
        with self._sealing_lock:
            if self._sealing is None:
                super().send_message(data)
                return
            try:
                self._sock.send_all(self._seal(data.asbytes(), self._sealing))
            except OSError as error:
                raise EOFError from error

    def _seal(self, message: bytes, cipher: _Cipher) -> bytes:
        padding = _BLOCK_BYTES - (1 + len(message)) % _BLOCK_BYTES
        if padding < _LEAST_PADDING_BYTES:
            padding += _BLOCK_BYTES
        head = _HEAD.pack(1 + len(message) + padding, padding)
        length = head[: _LENGTH.size]
        plain = b"".join((head[_LENGTH.size :], message, os.urandom(padding)))
        packet: bytes = length + cipher.encrypt(cipher.next_nonce(), plain, length)
        self._count(len(packet), cipher)
        return packet

    def _open(self, packet: memoryview, cipher: _Cipher) -> tuple[int, paramiko.Message]:
        length, sealed = bytes(packet[: _LENGTH.size]), packet[_LENGTH.size :]
        plain = cipher.decrypt(cipher.next_nonce(), sealed, length)
        self._count(len(packet), cipher)
        kind = plain[1]
        if kind == _MSG_CHANNEL_DATA:
            return kind, BulkMessage(plain)
        return kind, paramiko.Message(plain[2 : len(plain) - plain[0]])

    def _next_packet(self) -> memoryview:
        """Return a sealed packet, which stands there until the next is asked for."""
        while True:
            unread = self._sock.unread
            if len(unread) >= _LENGTH.size:
                count = _LENGTH.size + _LENGTH.unpack_from(unread)[0] + _TAG_BYTES
                if count > READ_BYTES:
                    raise paramiko.SSHException(f"a packet of {count} bytes")
                if len(unread) >= count:
                    return self._sock.take(count)
            self._read_more(may_renew_keys=not unread)

    def _read_more(self, *, may_renew_keys: bool) -> None:
        self.before_reading()
        try:
            self._sock.read_more()
        except socket.timeout:
            if self.closed:
                raise EOFError from None
            if may_renew_keys and self.need_rekey():
                raise NeedRekeyException from None

    def _count(self, count: int, cipher: _Cipher) -> None:
        cipher.bytes_done += count
        if cipher.bytes_done >= self.REKEY_BYTES and not self.need_rekey():
            self._trigger_rekey()  # type: ignore[attr-defined]
        elif cipher.bytes_done >= self.REKEY_BYTES + self.REKEY_BYTES_OVERFLOW_MAX:
            raise paramiko.SSHException("the server does not renew its keys")
