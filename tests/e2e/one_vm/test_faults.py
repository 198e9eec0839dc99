"""What goes wrong in the guest while docker is at work, and passes without a command of ours."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from typing import Iterator

import pytest

from boot2docker_py.docker.certificates import MAKE_NEW
from tests.e2e.conftest import VM
from tests.unit.ssh.real_sshd import eventually

pytestmark = pytest.mark.usefixtures("busybox_image")

LONG_S = 200
# The forwarder's own session is the one that this command did not come by.
SESSION = "$(pgrep -u docker -x sshd-session | grep -vx $PPID)"


class Log:
    """What the forwarder logs from now on."""

    def __init__(self, vm: VM) -> None:
        self._path = vm.run_folder / "forward.log"
        self._begin = len(self._path.read_text())

    def has(self, words: str) -> bool:
        return words in self._path.read_text()[self._begin :]


def works(vm: VM) -> bool:
    return vm.try_docker("run", "--rm", "busybox", "true").returncode == 0


@contextlib.contextmanager
def streaming(vm: VM) -> Iterator[subprocess.Popen[bytes]]:
    """Run a client that gets something several times a second, for a `with` block."""
    script = "while echo tick; do usleep 200000; done"
    words = ["docker", "run", "--rm", "--name", "ticker", "busybox", "sh", "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=subprocess.STDOUT, env=vm.environ) as client:
        try:
            assert client.stdout is not None
            assert client.stdout.readline() == b"tick\n"
            yield client
        finally:
            client.kill()
    vm.try_docker("rm", "--force", "ticker")


def over_tls(vm: VM) -> dict[str, str]:
    """Return the environment of a docker client that needs no SSH, as `shellinit --tls` tells it.

    Certificates that do not fit would be made anew, and that would be said.
    """
    words = f"{sys.executable} -m boot2docker_py shellinit --tls --shell sh"
    script = f'told="$({words})" && eval "$told" && env --null'
    answer = subprocess.run(["sh", "-c", script], env=vm.environ, capture_output=True, check=False)
    said = answer.stderr.decode()
    assert answer.returncode == 0, said
    assert "Making new certificates" not in said
    environ = dict(pair.split("=", 1) for pair in answer.stdout.decode().split("\0") if pair)
    assert environ["DOCKER_HOST"].startswith("tcp://"), environ
    return environ


class TestSilentSSHServer:
    """Connected, and not a word: as a guest that is too busy, or a way that loses all packets."""

    def test_clients_end_and_a_new_connection_takes_over(self, vm: VM) -> None:
        log = Log(vm)
        with streaming(vm) as client:
            vm.run("ssh", f"kill -STOP {SESSION}")
            try:
                client.wait(LONG_S)
                eventually(lambda: log.has("connection lost: no answer from the SSH server for "))
                eventually(lambda: works(vm), LONG_S)
            finally:
                vm.run("ssh", "sudo pkill -CONT -x sshd-session")
        assert works(vm)

    def test_one_that_takes_no_connection_either_is_told_and_waited_for(self, vm: VM) -> None:
        log = Log(vm)
        past_ssh = over_tls(vm)
        revive = ["docker", "run", "--rm", "--privileged", "--pid", "host", "busybox"]
        revive += ["sh", "-c", "kill -CONT $(pidof sshd sshd-session)"]
        with streaming(vm) as client:
            # The command's own session is stopped, too, so that it is never heard of again.
            stop = ["ssh", "sudo pkill -STOP -x 'sshd|sshd-session'"]
            with contextlib.suppress(subprocess.TimeoutExpired):
                vm.try_run(*stop, timeout_s=10)
            try:
                client.wait(LONG_S)
                eventually(lambda: log.has("connection lost: no answer from the SSH server for "))
                said = vm.try_docker("version").stderr.decode()
                assert f"VM '{vm.name}' cannot be reached (connected, no greeting" in said
            finally:
                subprocess.run(revive, env=past_ssh, check=True, capture_output=True)
        eventually(lambda: works(vm), LONG_S)


def test_clients_beyond_what_the_guest_takes_hear_so(vm: VM) -> None:
    """Its SSH server has no descriptor left: without this limit, at about 1000 clients."""
    limit = f"sudo prlimit --pid {SESSION} --nofile"
    usual = vm.run("ssh", f"{limit} --output SOFT --noheadings").strip()
    vm.run("ssh", f"{limit}=32:")
    try:
        with contextlib.ExitStack() as clients:
            answers = []
            for _ in range(48):
                client = clients.enter_context(socket.socket(socket.AF_UNIX))
                client.settimeout(LONG_S)
                client.connect(str(vm.run_folder / "docker.sock"))
                client.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
                answer = clients.enter_context(client.makefile("rb"))
                is_served = b" 200 " in answer.readline()
                answers.append(b"served" if is_served else answer.read())
        assert answers[0] == b"served"
        refusals = [answer for answer in answers if answer != b"served"]
        assert refusals
        assert all(b"or takes no more clients" in refusal for refusal in refusals), refusals
    finally:
        vm.run("ssh", f"{limit}={usual}:")
    eventually(lambda: works(vm), LONG_S)


class TestClock:
    @pytest.mark.parametrize(
        ("date", "said"), [("3 hours ago", "3 h slow"), ("5 hours", "5 h fast")]
    )
    def test_is_set_when_the_forwarder_connects_again(self, vm: VM, date: str, said: str) -> None:
        log = Log(vm)
        vm.run("ssh", f"sudo date -s '{date}'")
        vm.run("ssh", f"kill {SESSION}")
        eventually(lambda: log.has(f"The clock of the VM was {said}, and is set."))
        assert abs(int(vm.run("ssh", "date +%s")) - time.time()) < 60
        assert works(vm)

    def test_tls_is_good_although_the_clock_went_back_since_it_was_made(self, vm: VM) -> None:
        """The host's clock was hours fast when the VM booted, and was set."""
        log = Log(vm)
        vm.run("ssh", "sudo date -s '5 hours'")
        vm.run("ssh", MAKE_NEW)
        vm.run("ssh", f"kill {SESSION}")
        eventually(lambda: log.has("The clock of the VM was 5 h fast, and is set."))
        answer = subprocess.run(
            ["docker", "version"], env=over_tls(vm), capture_output=True, check=False
        )
        assert answer.returncode == 0, answer.stderr


class TestMemory:
    @pytest.fixture(autouse=True)
    def no_swap(self, vm: VM) -> Iterator[None]:
        """A gigabyte of swap only makes it last longer."""
        vm.run("ssh", "sudo swapoff -a; sudo dmesg --clear")
        yield
        vm.try_docker("rm", "--force", "hog")
        vm.run("ssh", "sudo swapon $(sudo blkid -t TYPE=swap -o device)")

    def test_one_that_takes_all_ends_alone(self, vm: VM) -> None:
        engine = vm.run("ssh", "pidof dockerd")
        with streaming(vm) as client:
            hog = vm.try_docker("run", "--rm", "--name", "hog", "busybox", "tail", "/dev/zero")
            assert hog.returncode == 128 + 9
            assert client.poll() is None
            assert client.stdout is not None
            while client.stdout.readline() == b"tick\n":  # what it said meanwhile
                if works(vm):
                    break
        assert "Out of memory: Killed process" in vm.run("ssh", "sudo dmesg")
        assert vm.run("ssh", "pidof dockerd") == engine


def test_the_kernel_takes_the_smallest_container_before_the_engine(vm: VM) -> None:
    """As when many small ones take all memory together."""
    vm.docker("run", "--detach", "--name", "small", "busybox", "sleep", "1000")
    try:
        in_container = vm.docker("inspect", "--format", "{{.State.Pid}}", "small").strip()
        score = "cat /proc/{}/oom_score"
        of_container = int(vm.run("ssh", score.format(in_container)))
        for program in ("dockerd", "containerd"):
            assert int(vm.run("ssh", score.format(f"$(pidof {program})"))) < of_container
    finally:
        vm.docker("rm", "--force", "small")


@pytest.mark.parametrize("program", ["dockerd", "containerd"])
def test_an_engine_that_is_killed_comes_back(vm: VM, program: str) -> None:
    vm.docker(
        "run", "--detach", "--name", "kept", "--restart", "always", "busybox", "sleep", "1000"
    )
    try:
        vm.run("ssh", f"sudo kill -KILL $(pidof {program})")
        eventually(lambda: works(vm), LONG_S)
        eventually(lambda: vm.docker("ps", "--quiet", "--filter", "name=kept"), LONG_S)
    finally:
        vm.try_docker("rm", "--force", "kept")


def test_an_engine_that_waits_too_long_for_containerd_is_started_again(vm: VM) -> None:
    said = "failed to dial"
    log = "sudo tail -n +{} /var/lib/boot2docker/log/docker.log"
    begin = len(vm.run("ssh", log.format(1)).splitlines()) + 1
    vm.run("ssh", "sudo pkill -STOP -x containerd; sudo pkill -KILL -x dockerd")
    try:
        eventually(lambda: said in vm.run("ssh", log.format(begin)), LONG_S)
    finally:
        vm.run("ssh", "sudo pkill -CONT -x containerd")
    eventually(lambda: works(vm), LONG_S)


def test_an_engine_that_somebody_stops_stays_stopped(vm: VM) -> None:
    vm.run("ssh", "sudo /etc/init.d/docker stop")
    time.sleep(25)  # twice as long as it takes to notice that one was killed
    assert vm.try_run("ssh", "pidof dockerd containerd").returncode == 1
    said = vm.try_docker("version").stderr.decode()
    assert f"the engine of VM '{vm.name}' is not running" in said
    assert "see: boot2docker logs engine" in said
    vm.run("ssh", "sudo /etc/init.d/docker start")
    assert works(vm)


def test_the_engine_does_not_wait_for_us_at_its_end(vm: VM) -> None:
    vm.run("ports")  # known, so the forwarder follows the engine's events
    vm.run("down")
    vm.run("up")
    log = vm.run("ssh", "sudo cat /var/lib/boot2docker/log/docker.log")
    at_its_end = log.rpartition("Processing signal 'terminated'")[2]
    assert "Daemon shutdown complete" in at_its_end
    assert "Error shutting down http server" not in at_its_end


def test_an_engine_that_refuses_its_settings_is_not_waited_for(vm: VM) -> None:
    settings = "/var/lib/boot2docker/etc/docker/daemon.json"
    vm.run("ssh", f"sudo cp {settings} {settings}.kept; echo '{{nonsense' | sudo tee {settings}")
    try:
        answer = vm.try_run("restart", "--timeout", str(LONG_S))
        said = answer.stderr.decode()
        assert answer.returncode == 9, said
        assert "the Docker Engine of VM 'boot2docker-vm' has ended" in said
        assert "daemon.json" in said
    finally:
        vm.run("ssh", f"sudo rm {settings}; sudo mv {settings}.kept {settings} || true")
    vm.run("restart", "--timeout", str(LONG_S))
    assert works(vm)


def test_a_script_of_the_user_that_does_not_end_is_named(vm: VM) -> None:
    script = "/var/lib/boot2docker/bootsync.sh"
    vm.run("ssh", f"printf '#!/bin/sh\nsleep 10000\n' | sudo tee {script}")
    try:
        answer = vm.try_run("restart", "--timeout", "100")
        assert answer.returncode == 5
        assert "bootsync.sh has been running for " in answer.stderr.decode()
    finally:
        vm.run("ssh", f"sudo rm {script}; sudo pkill -x sleep")
    vm.run("up", "--timeout", str(LONG_S))
    assert works(vm)
