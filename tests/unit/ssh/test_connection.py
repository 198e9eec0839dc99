"""Connecting: patient with a guest that boots, strict about its host key, and never asking."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import threading
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_SUCCESSFUL

from boot2docker_py.address import Address
from boot2docker_py.errors import DeadlineError, GuestError, StorageError, UsageError
from boot2docker_py.ssh import connection as ssh_connection
from boot2docker_py.ssh import dialer, host_keys, keys
from boot2docker_py.ssh.command import in_a_line
from boot2docker_py.ssh.connection import Connection
from boot2docker_py.ssh.errors import HostKeyChangedError, KeyRefusedError, NotReadyError
from boot2docker_py.wait import Deadline
from tests.unit.free_ports import free_port
from tests.unit.listening import LONG_S, end_listening
from tests.unit.ssh.fake_guest import FakeGuest, host_key
from tests.unit.ssh.patience import Patience
from tests.unit.ssh.real_sshd import Sshd, eventually

PARAMIKO_KNOWS_SSH_RSA = int(paramiko.__version__.split(".")[0]) < 5


@pytest.fixture
def key(tmp_path: Path) -> Path:
    keys.ensure_key_pair(tmp_path / "id")
    return tmp_path / "id"


@pytest.fixture
def known_hosts(tmp_path: Path) -> Path:
    return tmp_path / "vm" / "known_hosts"


def connect(
    address: Address,
    key: Path,
    known_hosts: Path,
    deadline: Deadline | None = None,
    reasons: list[str] | None = None,
) -> Connection:
    return ssh_connection.connect(
        address,
        user="docker",
        key=key,
        known_hosts=known_hosts,
        host_name="vm",
        deadline=deadline or Deadline(LONG_S),
        on_wait=(reasons if reasons is not None else []).append,
    )


def line_of(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"


def test_the_first_contact_pins_the_host_key(key: Path, known_hosts: Path) -> None:
    with FakeGuest() as guest:
        connect(guest.address, key, known_hosts).close()
        assert known_hosts.read_text() == f"vm {line_of(guest.host_key)}\n"
        connect(guest.address, key, known_hosts).close()
        assert known_hosts.read_text() == f"vm {line_of(guest.host_key)}\n"


def test_another_host_key_is_refused_at_once_and_not_pinned(key: Path, known_hosts: Path) -> None:
    with FakeGuest() as guest:
        pinned = line_of(host_key())
        host_keys.pin(known_hosts, "vm", pinned)
        with pytest.raises(HostKeyChangedError) as caught:
            connect(guest.address, key, known_hosts)
        assert guest.seen == 1
        assert guest.methods == []  # it did not even learn our key
    assert known_hosts.read_text() == f"vm {pinned}\n"
    assert str(known_hosts) in caught.value.resolution
    assert line_of(guest.host_key) in caught.value.details


@pytest.mark.parametrize("is_new", [False, True])
def test_of_two_pinned_keys_the_one_that_answers_stays(
    key: Path, known_hosts: Path, *, is_new: bool
) -> None:
    """A new disk, with a host key of its own, may have come, or have been kept from it."""
    with FakeGuest() as guest:
        answers, other = line_of(guest.host_key), line_of(host_key())
        for line in (other, answers) if is_new else (answers, other):
            host_keys.pin(known_hosts, "vm", line, beside_others=True)
        connect(guest.address, key, known_hosts).close()
    assert known_hosts.read_text() == f"vm {answers}\n"


def test_the_kind_of_the_pinned_key_is_asked_for(key: Path, known_hosts: Path) -> None:
    """A server with several keys shows the one that is pinned, not the one it likes best."""
    ecdsa = paramiko.ECDSAKey.generate()
    host_keys.pin(known_hosts, "vm", line_of(ecdsa))
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:

        def serve() -> None:
            sock, _address = listener.accept()
            transport = paramiko.Transport(sock)
            transport.add_server_key(host_key())
            transport.add_server_key(ecdsa)

            class Server(paramiko.ServerInterface):
                def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
                    return AUTH_SUCCESSFUL

            with contextlib.suppress(EOFError):  # the client may be quicker to close it
                transport.start_server(server=Server())

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        connect(Address(*listener.getsockname()), key, known_hosts).close()
        serving.join()


def test_a_file_that_cannot_be_read_is_not_an_absent_key(key: Path, known_hosts: Path) -> None:
    known_hosts.mkdir(parents=True)
    with FakeGuest() as guest, pytest.raises(StorageError, match="cannot read the pinned host key"):
        connect(guest.address, key, known_hosts)


def test_a_refused_key_is_told_at_once_and_no_password_is_tried(
    key: Path, known_hosts: Path
) -> None:
    with FakeGuest(accepts_key=False) as guest:
        with pytest.raises(KeyRefusedError) as caught:
            connect(guest.address, key, known_hosts)
        assert set(guest.methods) == {"publickey"}
    assert caught.value.brief == f"the VM does not accept the SSH key '{key}'"
    assert "--sshkey" in caught.value.resolution


def test_a_port_that_refuses_is_tried_until_the_deadline(key: Path, known_hosts: Path) -> None:
    patience = Patience(lambda reasons: len(reasons) > 2)
    with pytest.raises(NotReadyError) as caught:
        connect(
            Address("127.0.0.1", free_port()),
            key,
            known_hosts,
            patience.deadline(),
            patience.reasons,
        )
    assert patience.is_over()
    assert caught.value.details == "Connection refused"


def test_connections_that_are_closed_without_a_greeting_are_repeated(
    key: Path, known_hosts: Path
) -> None:
    reasons: list[str] = []
    with FakeGuest(closes_first=3) as guest:
        connect(guest.address, key, known_hosts, reasons=reasons).close()
        assert guest.seen >= 4
    assert "the connection was closed without an SSH greeting" in reasons


def test_a_connection_that_leads_nowhere_does_not_hold_up_the_next(
    key: Path, known_hosts: Path
) -> None:
    """NAT accepts before the guest is there; that connection stays silent for ever."""
    with FakeGuest(ignores_first=1) as guest:
        connect(guest.address, key, known_hosts).close()
        assert guest.seen >= 2


def test_a_guest_that_greets_slowly_is_reached(
    key: Path, known_hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slower than the pace of new connections by far: an early one is kept until it is greeted."""
    monkeypatch.setattr(dialer, "SPACING_S", 0.05)
    with FakeGuest(greets_after=4 * dialer.AT_MOST) as guest:
        connect(guest.address, key, known_hosts).close()


def test_silence_ends_at_the_deadline_with_words(key: Path, known_hosts: Path) -> None:
    words = "connected, no greeting from the SSH server yet"
    patience = Patience(lambda reasons: words in reasons)
    with FakeGuest(ignores_first=100) as guest, pytest.raises(NotReadyError) as caught:
        connect(guest.address, key, known_hosts, patience.deadline(), patience.reasons)
    assert patience.is_over()
    assert caught.value.details == words
    assert "boot2docker restart" in caught.value.resolution


def test_who_greets_and_then_says_nothing_is_waited_for_until_the_deadline(
    key: Path, known_hosts: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _address = listener.accept()
                    held.append(sock)
                    sock.sendall(b"SSH-2.0-half\r\n")

        held: list[socket.socket] = []
        greeting = threading.Thread(target=greet, daemon=True)
        greeting.start()
        address = Address(*listener.getsockname())
        for timeout_s in (0.5, 5, LONG_S):  # on a busy machine the first may pass before that
            with pytest.raises(NotReadyError) as caught:
                connect(address, key, known_hosts, Deadline(timeout_s))
            if "handshake" in caught.value.details:
                break
        end_listening(listener, greeting)
    assert "handshake" in caught.value.details
    for sock in held:
        sock.close()


def test_the_users_own_ssh_settings_play_no_part(
    key: Path, known_hosts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that is asked, and a configuration that is read, would break this."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host *\n  ProxyCommand false\n  User nobody\n")
    agent = socket.socket(socket.AF_UNIX)
    agent.bind(str(tmp_path / "agent"))
    agent.listen()
    agent.settimeout(0)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:1")
    monkeypatch.setenv("ALL_PROXY", "socks5://192.0.2.1:1")
    with agent, FakeGuest() as guest:
        connect(guest.address, key, known_hosts).close()
        with pytest.raises(BlockingIOError):
            agent.accept()


def test_an_rsa_key_is_offered_the_old_way_too(tmp_path: Path, known_hosts: Path) -> None:
    """OpenSSH before 7.2 refuses rsa-sha2 as if it were the key; paramiko 5 knows only that."""
    key = tmp_path / "rsa"
    command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True)
    with FakeGuest(accepts_ssh_rsa_only=True) as guest:
        if PARAMIKO_KNOWS_SSH_RSA:
            connect(guest.address, key, known_hosts).close()
            return
        with pytest.raises(KeyRefusedError) as caught:
            connect(guest.address, key, known_hosts)
        assert "needs paramiko 3" in caught.value.resolution


def test_paramikos_own_tracebacks_stay_off_the_console(
    key: Path, known_hosts: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with FakeGuest() as guest:
        connection = connect(guest.address, key, known_hosts)
        logging.getLogger("paramiko.transport").error("Traceback (most recent call last)")
        guest.hang_up()
        assert connection.wait_until_lost()
        connection.close()
    assert capfd.readouterr() == ("", "")


def test_a_lost_connection_is_noticed_and_named(key: Path, known_hosts: Path) -> None:
    with FakeGuest() as guest, connect(guest.address, key, known_hosts) as connection:
        assert connection.is_alive()
        guest.hang_up()
        assert connection.wait_until_lost() == "the connection was closed"
        with pytest.raises(GuestError, match="the VM does not open an SSH session"):
            connection.run("true", timeout_s=LONG_S)


def test_a_command_that_never_ends_ends_the_wait(key: Path, known_hosts: Path) -> None:
    with FakeGuest(commands={b"hang": lambda _channel: None}) as guest, connect(
        guest.address, key, known_hosts
    ) as connection, pytest.raises(DeadlineError) as caught:
        connection.run("hang", timeout_s=0.2)
    assert caught.value.details == "hang"


def test_a_command_that_ends_its_output_and_stays_ends_the_wait(sshd: Sshd) -> None:
    with sshd.connect() as connection:
        with pytest.raises(DeadlineError, match="did not end within 0.5 s"):
            connection.run("exec > /dev/null 2>&1; sleep 5", timeout_s=0.5)
        assert connection.run("exec >&- 2>&-; sleep 0.1; exit 7", timeout_s=LONG_S).status == 7


def test_a_session_that_opens_too_late_is_closed(key: Path, known_hosts: Path) -> None:
    """The server of a guest allows ten at a time, and the connection lives for weeks."""
    with FakeGuest() as guest, connect(guest.address, key, known_hosts) as connection:
        guest.opens_after_s = 0.5
        with pytest.raises(paramiko.SSHException, match="no channel within"):
            connection.transport.open_command(0.05)
        eventually(lambda: len(guest.sessions) == 1)
        eventually(lambda: guest.sessions[0].closed)
        eventually(lambda: connection.open_channels() == 0)
        guest.opens_after_s = 0
        with connection.open_session() as session:
            assert not session.closed


def test_a_script_is_named_by_its_beginning() -> None:
    script = "sudo -n sh -c '\nset -e\n" + "do this\n" * 100 + "'"
    named = in_a_line(script)
    assert named.startswith("sudo -n sh -c ' set -e do this")
    assert len(named) < 80
    assert named.endswith(" ...")


def test_a_connection_lost_under_a_command_is_no_status(key: Path, known_hosts: Path) -> None:
    with FakeGuest() as guest:

        def die_when_the_input_ends(channel: paramiko.Channel) -> None:
            channel.recv(1)
            guest.hang_up()

        guest.commands[b"die"] = die_when_the_input_ends
        with connect(guest.address, key, known_hosts) as connection, pytest.raises(
            GuestError, match="was lost while a command ran"
        ):
            connection.run("die", timeout_s=LONG_S)


def test_a_word_that_is_no_utf8_arrives_as_it_was_typed(sshd: Sshd) -> None:
    typed = b"caf\xe9".decode("utf-8", "surrogateescape")  # as sys.argv has it
    with sshd.connect() as open_connection:
        said = open_connection.run(["printf", "%s", typed], timeout_s=LONG_S).stdout
    assert said == b"caf\xe9"


@pytest.mark.parametrize(("word", "why"), [("a\0b", "NUL"), ("\ud800", "no text")])
def test_what_no_command_can_be_is_the_callers_mistake(sshd: Sshd, word: str, why: str) -> None:
    with sshd.connect() as open_connection, pytest.raises(UsageError, match=why):
        open_connection.run(["echo", word], timeout_s=LONG_S)


def test_output_without_end_is_refused(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connection, "OUTPUT_BYTES", 1 << 20)
    with sshd.connect() as open_connection:
        for command in ("yes", "yes >&2"):
            with pytest.raises(GuestError, match="says too much"):
                open_connection.run(command, timeout_s=30)
        assert open_connection.run("echo x", timeout_s=30).stdout == b"x\n"


def test_commands_of_these_tests_read_no_file_of_the_users_shell(sshd: Sshd) -> None:
    """What stands in ~/.bashrc may wait for others; bash reads it only below this level."""
    with sshd.connect() as open_connection:
        said = open_connection.run('echo "$BASH_VERSION" "$SHLVL"', timeout_s=LONG_S).stdout
    assert said.split()[-1] == (b"2" if len(said.split()) == 2 else b"1")
