"""Each private name of paramiko that we use or override is there, or the failure names it."""

from __future__ import annotations

import ast
import inspect
import socket
from pathlib import Path
from typing import Iterator

import paramiko
import pytest
from paramiko import packet

from boot2docker_py import ssh

TRANSPORT = (
    *("_channel_handler_table", "_channels", "_next_channel", "_send_message"),
    *("_parse_channel_open_failure", "_parse_channel_open_success"),
    *("_parse_request_failure", "_parse_request_success", "_send_user_message"),
    *("active", "auth_timeout", "banner_timeout", "channel_events"),
    *("channels_seen", "clear_to_send", "clear_to_send_lock", "disabled_algorithms"),
    *("handshake_timeout", "initial_kex_done", "lock", "packetizer", "preferred_pubkeys", "sock"),
)
CHANNEL = (
    *("_feed", "_feed_extended", "_handle_close", "_handle_eof", "_handle_request", "_log"),
    *("_request_failed", "_request_success", "_set_remote_channel", "_set_transport"),
    *("_set_closed", "_set_window", "_unlink", "_window_adjust", "active", "exit_status"),
    *("in_buffer", "in_stderr_buffer", "lock", "out_window_size", "status_event", "transport"),
)
PACKETIZER = (
    *("_log", "_trigger_rekey", "REKEY_BYTES", "REKEY_BYTES_OVERFLOW_MAX"),
    *("need_rekey", "read_message", "readline", "reset_seqno_in", "reset_seqno_out"),
    *("send_message", "set_inbound_cipher", "set_outbound_cipher"),
)
CHANNEL_TABLE = ("delete", "get", "put", "values")
CIPHER_PARAMETERS = ("block_size", "mac_engine", "mac_size", "mac_key", "aead", "iv_in", "iv_out")
OUR_FILES = sorted(Path(ssh.__file__).parent.rglob("*.py"))


@pytest.fixture
def transport() -> Iterator[paramiko.Transport]:
    here, there = socket.socketpair()
    with here, there:
        made = paramiko.Transport(here)
        yield made
        made.close()


def assert_has(thing: object, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not hasattr(thing, name)]
    assert not missing, f"paramiko {paramiko.__version__} has no {missing} in {thing!r}"


def test_transport_has_the_names(transport: paramiko.Transport) -> None:
    assert_has(transport, TRANSPORT)
    assert_has(transport._channels, CHANNEL_TABLE)  # type: ignore[attr-defined] # noqa: SLF001 - is tested


def test_channel_has_the_names() -> None:
    assert_has(paramiko.Channel(1), CHANNEL)


def test_packetizer_has_the_names(transport: paramiko.Transport) -> None:
    assert_has(transport.packetizer, PACKETIZER)
    assert_has(packet, ("NeedRekeyException",))
    for method in ("set_inbound_cipher", "set_outbound_cipher"):
        takes = inspect.signature(getattr(packet.Packetizer, method)).parameters
        ours = set(CIPHER_PARAMETERS) & set(takes)
        assert {"block_size", "mac_engine", "mac_size", "mac_key", "aead"} <= ours, method


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_the_list_names_every_private_member_that_we_touch() -> None:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in OUR_FILES]
    ours = {name for tree in trees for name in _defined(tree)}
    used = {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_")
    }
    foreign = {name for name in used - ours if not name.endswith("__")}
    assert foreign <= {*TRANSPORT, *CHANNEL, *PACKETIZER}
