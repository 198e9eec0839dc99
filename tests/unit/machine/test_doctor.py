"""`boot2docker doctor`: each fault is found, named and answered, however little else works."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from boot2docker_py.docker import proxies
from boot2docker_py.docker.client import Client, can_talk
from boot2docker_py.docker.contexts import Context
from boot2docker_py.drivers.host import host_memory_mb
from boot2docker_py.drivers.model import InternalNetwork, Share, State
from boot2docker_py.endpoint.status import ForwarderStatus, LastError, Phase
from boot2docker_py.errors import HypervisorError
from boot2docker_py.machine.doctor.of_mounts import here_of
from boot2docker_py.machine.doctor.of_resources import more_memory
from boot2docker_py.machine.doctor.of_vm import host_id
from boot2docker_py.wait import Check
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession
from tests.unit.image.iso_bytes import make_iso
from tests.unit.machine.swarm.cluster import FakeEngine


class Told(NamedTuple):
    """What doctor said."""

    status: int
    findings: dict[str, dict[str, Any]]

    def of(self, check: str) -> tuple[str, str, str]:
        found = self.findings[check]
        return found["level"], found["found"], found["fix"]


class Doctor:
    """A running VM, all of it well, until a test makes it sick."""

    def __init__(self, boot2docker: Boot2Docker, folder: Path) -> None:
        self._boot2docker = boot2docker
        self.folder = folder
        self.driver = FakeDriver(State.RUNNING)
        self.endpoint = FakeEndpoint()
        self.endpoint.is_running = True
        self.session = FakeSession(self.driver, self.endpoint)

    def client(self, client: dict[str, str], complaint: str = "", *, plugins: bool = True) -> None:
        """Put a docker client into the PATH."""
        told = json.dumps({"Client": client, "Server": None})
        answer = 'echo "Docker $1 version v2.39.1"; exit' if plugins else "exit 1"
        script = f'#!/bin/sh\n[ "$2" != version ] || {{ {answer}; }}\n'
        script += f"echo '{told}'\n"
        script += f"echo '{complaint}' >&2; exit 1\n" if complaint else ""
        (self.folder / "docker").write_text(script)
        (self.folder / "docker").chmod(0o755)

    def guest(
        self, *, memory_kb: int, disk_kb: int, servers: bytes = b"nameserver 10.0.2.3"
    ) -> None:
        """Let the guest have so much left."""
        told = b"MemTotal: 2048000 kB\nMemAvailable: %d kB\ndisk /dev/sda1 20000000 1 %d 1%% /x\n%s"
        self.session.connection.answers["MemTotal"] = told % (memory_kb, disk_kb, servers)

    def boots(self, age_days: int) -> None:
        """Let the VM boot an image of that age."""
        day = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=age_days)
        iso = self.folder / "boot2docker.iso"
        iso.write_bytes(make_iso(volume_id=f"b2d-v2.9-{day:%Y%m%d}"))
        assert self.driver.spec
        self.driver.spec = self.driver.spec._replace(iso=iso)

    def tell(self) -> Told:
        answer = self._boot2docker(["doctor", "--json"], self.session)
        findings = {finding["id"]: finding for finding in json.loads(answer.out)["findings"]}
        return Told(answer.status, findings)


@pytest.fixture
def doctor(boot2docker: Boot2Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "DOCKER_API_VERSION"):
        monkeypatch.delenv(name, raising=False)
    patient = Doctor(boot2docker, tmp_path / "bin")
    patient.client({"Version": "28.2.2", "ApiVersion": "1.45", "DefaultAPIVersion": "1.50"})
    patient.guest(memory_kb=1_000_000, disk_kb=15_000_000)
    patient.boots(age_days=10)
    patient.session.context.publish(patient.endpoint.docker_host)
    patient.session.context.use()
    return patient


def test_all_is_well(doctor: Doctor) -> None:
    told = doctor.tell()
    assert told.status == 0
    assert {finding["level"] for finding in told.findings.values()} == {"ok"}
    assert told.of("choice")[1].startswith("docker talks to this VM: context 'boot2docker'")


def test_problems_that_the_guest_tells_of_are_shown(doctor: Doctor) -> None:
    doctor.session.connection.answers = {
        "problems": b"cannot use certs/a.pfx: no certificate is in it\n"
    }
    level, found, fix = doctor.tell().of("guest")
    assert (level, fix) == ("warning", "boot2docker logs boot")
    assert "cannot use certs/a.pfx" in found


@pytest.mark.parametrize(
    ("fast", "plain", "level", "fix"),
    [
        ("", "other bytes", "ok", ""),
        ("other bytes", "", "failure", "Set BOOT2DOCKER_PLAIN_SSH=1, then: boot2docker up"),
        ("other bytes", "other bytes", "warning", "boot2docker restart"),
    ],
)
def test_transfer_that_fails_on_the_fast_way_is_tried_on_the_plain(
    doctor: Doctor, fast: str, plain: str, level: str, fix: str
) -> None:
    doctor.session.exchange_problems = {False: fast, True: plain}
    finding = doctor.tell().findings["transfer"]
    assert (finding["level"], finding["fix"]) == (level, fix)
    assert ("other bytes" in finding["found"]) is (level != "ok")


@pytest.fixture
def plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOT2DOCKER_PLAIN_SSH", "1")


def test_transfer_by_the_plain_way_is_not_tried_by_the_fast(
    plain_way: None, doctor: Doctor
) -> None:
    doctor.session.exchange_problems = {False: "other bytes", True: ""}
    assert doctor.tell().findings["transfer"]["level"] == "ok"


def test_screen_of_80_columns(
    doctor: Doctor, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.168.59.103:2376")
    answer = boot2docker(["doctor"], doctor.session)
    assert answer.status == 0
    assert "warning  choice     docker talks to another engine" in answer.out
    assert '                    In this shell: eval "$(boot2docker shellinit)"' in answer.out
    for line in answer.out.splitlines():
        # A path stays whole, so that it can be copied.
        assert len(line) <= 80 or len(line.split()[-1]) > 80 - 20
    assert answer.err == "0 failures, 1 warning.\n"


def test_a_sentence_is_no_command_to_try(
    doctor: Doctor, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    told = boot2docker(["doctor"], doctor.session).out
    assert "                    Put one into the PATH" in told
    assert "try: Put" not in told


def test_nothing_is_there(tmp_path: Path) -> None:
    """No hypervisor, no VM, no docker client, a broken docker configuration."""
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text("{broken")
    environ = {"PATH": "", "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "docker")}
    environ["BOOT2DOCKER_DIR"] = str(tmp_path / "none")
    words = [sys.executable, "-m", "boot2docker_py", "doctor", "--json", "--driver", "qemu"]
    answer = subprocess.run(words, env=environ, capture_output=True, check=False)
    findings = {finding["id"]: finding for finding in json.loads(answer.stdout)["findings"]}
    assert answer.returncode == 6
    assert findings["hypervisor"]["found"].startswith("QEMU is not installed")
    assert findings["choice"]["level"] == "failure"
    assert findings["client"]["level"] == "warning"
    assert (tmp_path / "docker" / "config.json").read_text() == "{broken"


class TestHost:
    def test_what_is_missing_is_a_failure_and_a_guess_a_warning(self, doctor: Doctor) -> None:
        class Poor(FakeDriver):
            def checks(self) -> list[Check]:
                return [
                    Check("VT-x, or AMD-V", lambda _d: "it is off", "Switch it on.", is_guess=True),
                    Check("space in '/x'", lambda _d: "3 MB are free", "Make some."),
                ]

        doctor.session = FakeSession(Poor(State.RUNNING), doctor.endpoint)
        told = doctor.tell()
        assert told.status == 6
        assert told.of("host-vt-x") == ("warning", "VT-x, or AMD-V: it is off", "Switch it on.")
        assert told.of("host-space-in")[0] == "failure"

    @pytest.mark.parametrize(
        ("what", "wanted"),
        [
            ("a writable folder for the VM, '/a/b'", "host-a-writable-folder-for-the-vm"),
            ("VirtualBox's API", "host-virtualbox"),
            ("1024 MB of free disk space", "host-1024-mb-of-free-disk-space"),
        ],
    )
    def test_ids_are_the_same_everywhere(self, what: str, wanted: str) -> None:
        assert host_id(what) == wanted


class TestVM:
    @pytest.mark.parametrize(
        ("state", "level", "status"),
        [
            (State.ABSENT, "warning", 0),
            (State.SAVED, "warning", 0),
            (State.BROKEN, "failure", 4),
        ],
    )
    def test_state(self, doctor: Doctor, state: State, level: str, status: int) -> None:
        doctor.session = FakeSession(FakeDriver(state), doctor.endpoint)
        told = doctor.tell()
        assert (told.of("vm")[0], told.status) == (level, status)
        assert told.of("ssh")[0] == told.of("engine")[0] == "skipped"

    def test_one_whose_process_hangs_is_not_to_be_deleted(self, doctor: Doctor) -> None:
        driver = FakeDriver(State.BROKEN)
        driver.hangs_when_broken = True
        doctor.session = FakeSession(driver, doctor.endpoint)
        fix = doctor.tell().of("vm")[2]
        assert "boot2docker reset" in fix
        assert "delete" not in fix

    def test_hypervisor_that_fails_when_asked(self, doctor: Doctor) -> None:
        class Failing(FakeDriver):
            def state(self) -> State:
                raise HypervisorError("VBoxSVC died", resolution="Try again.")

        doctor.session = FakeSession(Failing(State.RUNNING), doctor.endpoint)
        told = doctor.tell()
        assert told.of("vm") == ("failure", "VBoxSVC died", "Try again.")
        assert told.status == 6

    def test_forwarder(self, doctor: Doctor) -> None:
        doctor.endpoint.is_running = False
        told = doctor.tell()
        assert told.of("forwarder") == (
            "failure",
            "no forwarder serves the engine's socket",
            "boot2docker up",
        )
        assert told.of("engine")[0] == "failure"
        assert told.of("clock")[0] == "skipped"
        assert told.status == 9

    def test_forwarder_that_met_an_error(self, doctor: Doctor) -> None:
        class Failed(FakeEndpoint):
            def status(self) -> ForwarderStatus:
                met = LastError("another host key", "really", "Do this.", 9, "guest")
                return ForwarderStatus("1", 1, Phase.FAILED, last_error=met)

        doctor.session = FakeSession(doctor.driver, Failed())
        told = doctor.tell()
        assert told.of("forwarder") == ("failure", "another host key: really", "Do this.")

    def test_clock(self, doctor: Doctor) -> None:
        doctor.endpoint.clock_is_off_s = -3600
        wanted = ("warning", "the clock of the VM is 60 min slow", "boot2docker up")
        assert doctor.tell().of("clock") == wanted
        assert not [one for one in doctor.session.connection.commands if "date" in str(one)]


class TestClient:
    def test_there_is_none(self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        told = doctor.tell()
        assert (told.of("client")[0], told.of("api")[0], told.status) == ("warning", "skipped", 0)

    def test_it_is_too_new_for_the_last_official_image(self, doctor: Doctor) -> None:
        doctor.endpoint.version = {"ApiVersion": "1.40", "MinAPIVersion": "1.12"}
        complaint = "client version 1.52 is too new. Maximum supported API version is 1.40"
        doctor.client({"Version": "29.0.4", "DefaultAPIVersion": "1.52"}, complaint)
        told = doctor.tell()
        level, found, fix = told.of("api")
        assert (level, told.status) == ("failure", 9)
        assert "no version of the API in common: client 1.44 to 1.52; engine 1.12 to 1.40" in found
        assert complaint in found
        assert "boot2docker upgrade" in fix

    def test_it_says_nothing_of_use(self, doctor: Doctor) -> None:
        (doctor.folder / "docker").write_text("#!/bin/sh\necho hello\n")
        assert doctor.tell().of("client")[0] == "warning"

    def test_it_is_asked_about_this_engine(
        self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_CONTEXT", "other")
        script = 'echo "{\\"Client\\":{\\"Version\\":\\"$DOCKER_HOST$DOCKER_CONTEXT\\"}}"'
        (doctor.folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
        assert doctor.tell().of("client")[1].startswith("docker unix:///fake/docker.sock at")

    @pytest.mark.parametrize(
        ("version", "newest", "engine", "wanted"),
        [
            ("28.2.2", "1.50", ("1.24", "1.45"), True),
            ("28.2.2", "1.50", ("1.12", "1.40"), True),
            ("29.0.0", "1.52", ("1.12", "1.40"), False),
            ("1.12.6", "1.24", ("1.44", "1.52"), False),
        ],
    )
    def test_ranges(self, version: str, newest: str, engine: tuple[str, str], wanted: bool) -> None:
        client = Client("docker", version, newest)
        assert can_talk(client, *engine) is wanted


class TestChoice:
    @pytest.mark.parametrize(
        ("name", "value"), [("DOCKER_HOST", "tcp://10.0.0.1:2376"), ("DOCKER_CONTEXT", "other")]
    )
    def test_environment(
        self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        level, found, fix = doctor.tell().of("choice")
        assert level == "warning"
        assert value in found
        assert found.endswith(f"because of {name}")
        assert f"remove {name}" in fix

    def test_another_context(self, doctor: Doctor, tmp_path: Path) -> None:
        (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "work"}')
        level, found, _fix = doctor.tell().of("choice")
        assert level == "warning"
        assert f"context 'work', because of {tmp_path / '.docker' / 'config.json'}" in found

    def test_a_context_that_is_not_there_is_not_advised(self, doctor: Doctor) -> None:
        doctor.driver.delete()
        doctor.session.context.remove()
        level, _found, fix = doctor.tell().of("choice")
        assert (level, fix) == ("warning", "boot2docker up --use")

    def test_broken_configuration_is_left_as_it_is(self, doctor: Doctor, tmp_path: Path) -> None:
        (tmp_path / ".docker" / "config.json").write_text("{broken")
        told = doctor.tell()
        assert (told.of("choice")[0], told.status) == ("failure", 2)
        assert (tmp_path / ".docker" / "config.json").read_text() == "{broken"

    def test_context_that_is_missing_or_leads_elsewhere(self, doctor: Doctor) -> None:
        context: Context = doctor.session.context
        context.publish("unix:///elsewhere")
        assert doctor.tell().of("context")[1] == "'boot2docker' leads to unix:///elsewhere"
        context.remove()
        assert doctor.tell().of("context")[1] == "there is no docker context 'boot2docker'"


class TestTLS:
    def make(self, doctor: Doctor, days: int) -> None:
        folder = doctor.session.paths.certificates("boot2docker-vm")
        folder.mkdir(parents=True)
        for name in ("ca.pem", "cert.pem"):
            words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
            words += ["ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x"]
            words += ["-out", str(folder / name)]
            words += ["-days", str(days)]
            subprocess.run(words, check=True, capture_output=True, env=dict(os.environ))

    @pytest.mark.parametrize(("days", "level"), [(100, "ok"), (10, "warning")])
    def test_end_that_is_far_or_near(self, doctor: Doctor, days: int, level: str) -> None:
        self.make(doctor, days)
        assert doctor.tell().of("tls")[0] == level

    def test_unreadable(self, doctor: Doctor) -> None:
        self.make(doctor, 100)
        (doctor.session.paths.certificates("boot2docker-vm") / "ca.pem").write_text("no")
        told = doctor.tell()
        assert (told.of("tls")[0], told.status) == ("failure", 1)


class TestProxy:
    HOST = "tcp://192.168.59.103:2376"

    @pytest.mark.parametrize(
        ("host", "environ", "wanted"),
        [
            (HOST, {"HTTPS_PROXY": "p", "DOCKER_TLS_VERIFY": "1"}, "HTTPS_PROXY"),
            (HOST, {"http_proxy": "p"}, "http_proxy"),
            (HOST, {"http_proxy": "p", "NO_PROXY": "x, 192.168.59.103"}, ""),
            (HOST, {"http_proxy": "p", "no_proxy": "192.168.0.0/16"}, ""),
            (HOST, {"http_proxy": "p", "no_proxy": "*"}, ""),
            (HOST, {"http_proxy": "p", "no_proxy": "192.168.59.10"}, "http_proxy"),
            ("tcp://a.example:2376", {"http_proxy": "p", "no_proxy": ".example"}, ""),
            (HOST, {}, ""),
            ("tcp://127.0.0.1:2376", {"http_proxy": "p"}, ""),
            ("unix:///x", {"http_proxy": "p"}, ""),
            ("", {"http_proxy": "p"}, ""),
        ],
    )
    def test_catches(self, host: str, environ: dict[str, str], wanted: str) -> None:
        assert proxies.catching(host, environ) == wanted

    def test_is_a_warning(self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", self.HOST)
        monkeypatch.setenv("http_proxy", "http://proxy:3128")
        level, found, fix = doctor.tell().of("proxy")
        assert level == "warning"
        assert found.startswith("http_proxy is set")
        assert "--no-proxy" in fix


def test_an_engine_that_has_ended_tells_its_last_words(doctor: Doctor) -> None:
    doctor.endpoint.is_running = False
    doctor.session.connection.answers["dockerd"] = b"log\nfailed to start daemon: invalid -H\n"
    assert doctor.tell().of("engine")[:2] == (
        "failure",
        "the Docker Engine of VM 'boot2docker-vm' has ended: failed to start daemon: invalid -H",
    )


def test_a_script_that_holds_the_engine_up_is_named(doctor: Doctor) -> None:
    doctor.endpoint.is_running = False
    doctor.session.connection.answers["dockerd"] = b"starts\nwaits 42 bootsync.sh\n"
    assert doctor.tell().of("engine")[:2] == ("failure", "bootsync.sh has been running for 42 s")


def test_a_vm_that_its_hypervisor_has_paused(doctor: Doctor) -> None:
    doctor.driver.is_now(State.PAUSED)
    doctor.driver.why_paused = lambda: "no space"  # type: ignore[method-assign]
    level, found, fix = doctor.tell().of("vm")
    assert (level, found) == (
        "failure",
        "VM 'boot2docker-vm' was paused by its hypervisor: no space",
    )
    assert fix == "Make space there, then: boot2docker up"


def test_a_kernel_that_has_panicked(doctor: Doctor, tmp_path: Path) -> None:
    doctor.endpoint.is_running = False
    assert doctor.driver.spec is not None
    console = tmp_path / "console.log"
    doctor.driver.spec = doctor.driver.spec._replace(console_log=console)
    console.write_text("Kernel panic - not syncing: x\n---[ end Kernel panic - not syncing: x ]---")
    assert doctor.tell().of("vm")[:2] == ("failure", "the kernel of VM 'fake' has panicked: x")


def mounts(*sources: str) -> dict[str, Any]:
    return {"Names": ["/web"], "Mounts": [{"Type": "bind", "Source": one} for one in sources]}


def test_a_bind_mount_of_a_folder_that_the_vm_does_not_see(doctor: Doctor, tmp_path: Path) -> None:
    doctor.endpoint.known_containers = [mounts(str(tmp_path), "/var/run/docker.sock", "/no/such")]
    level, found, fix = doctor.tell().of("mounts")
    assert level == "warning"
    assert found.startswith(f"container 'web' mounts '{tmp_path}' of the VM, which may be empty")
    assert fix.startswith("Copy it into the VM")


def test_a_bind_mount_of_what_is_shared(doctor: Doctor, tmp_path: Path) -> None:
    share = Share("home/of mine", tmp_path)
    doctor.driver.shares = lambda: [share]  # type: ignore[method-assign]
    doctor.endpoint.known_containers = [mounts("/home/of mine/below", "/home/of mine")]
    assert doctor.tell().of("mounts")[:2] == (
        "ok",
        f"shared with the VM: '{tmp_path}' at '/home/of mine'",
    )


@pytest.mark.parametrize(
    ("source", "platform", "here"),
    [
        ("/home/me/x", "linux", "/home/me/x"),
        ("/etc/hosts", "linux", ""),
        ("/", "linux", ""),
        ("/c/Users/me", "win32", r"C:\Users\me"),
        (r"C:\Users\me", "win32", r"C:\Users\me"),
        ("/var/run/docker.sock", "win32", ""),
    ],
)
def test_which_folder_here_a_mount_was_meant_for(source: str, platform: str, here: str) -> None:
    assert here_of(source, platform) == here


def a_network(name: str, *subnets: str, driver: str = "bridge") -> dict[str, Any]:
    config = [{"Subnet": subnet} for subnet in subnets]
    return {"Name": name, "Driver": driver, "IPAM": {"Config": config}}


def test_a_docker_network_that_hides_the_vms_own_is_named(doctor: Doctor) -> None:
    doctor.endpoint.known_networks = [
        a_network("bridge", "172.17.0.0/16"),
        a_network("company", "fd00::/64", "10.0.0.0/16"),
    ]
    level, found, fix = doctor.tell().of("networks")
    assert level == "warning"
    assert "'company' hides the VM's own network 10.0.2.0/24" in found
    assert "docker network rm company" in fix
    assert "--nat-network" in fix


@pytest.mark.parametrize(
    "network",
    [
        a_network("same", "10.0.2.0/24", driver="macvlan"),
        a_network("none"),
        a_network("odd", "x", "10.0.2.0/240"),
        {"Name": "none", "Driver": "bridge", "IPAM": None},
        {"Name": "none", "Driver": "bridge", "IPAM": {"Config": [None, 7]}},
        {},
    ],
)
def test_a_docker_network_that_hides_nothing_is_well(
    doctor: Doctor, network: dict[str, Any]
) -> None:
    doctor.endpoint.known_networks = [network]
    assert doctor.tell().of("networks")[0] == "ok"


def test_a_network_with_other_vms_is_looked_at(doctor: Doctor) -> None:
    words = "the VM has no network with other VMs"
    assert doctor.tell().of("internal") == ("ok", words, "")
    assert doctor.driver.spec
    place = InternalNetwork("demo", 7)
    doctor.driver.spec = doctor.driver.spec._replace(internal_network=place)
    words = "the VM is at 192.168.60.7 on the internal network 'demo'"
    assert doctor.tell().of("internal") == ("ok", words, "")
    doctor.driver.internal_problem = "its switch has ended"
    level, found, fix = doctor.tell().of("internal")
    assert (level, fix) == ("warning", "boot2docker up")
    assert found == "the network 'demo' reaches no other VM: its switch has ended"


class TestSwarm:
    def engine(self, doctor: Doctor) -> FakeEngine:
        """Return the engine of the VM, a node of the swarm 'demo' now."""
        place = InternalNetwork("demo", 1)
        assert doctor.driver.spec
        doctor.driver.spec = doctor.driver.spec._replace(internal_network=place)
        engine = doctor.endpoint.swarm.engine("fake")
        engine.swarm, engine.role = 1, "manager"
        return engine

    def test_an_engine_that_is_in_none_is_well(self, doctor: Doctor) -> None:
        assert doctor.tell().of("swarm") == ("ok", "the engine is in no swarm", "")

    def test_an_engine_that_is_in_one_is_well(self, doctor: Doctor) -> None:
        engine = self.engine(doctor)
        words = "the engine is a manager of a swarm; its nodes: 1"
        assert doctor.tell().of("swarm") == ("ok", words, "")
        engine.role = "worker"
        assert doctor.tell().of("swarm") == ("ok", "the engine is a worker of a swarm", "")

    def test_nodes_with_another_engine_are_named(self, doctor: Doctor) -> None:
        self.engine(doctor)
        other = doctor.endpoint.swarm.engine("demo-2")
        other.swarm, other.version_of_engine = 1, "20.10.24"
        words = "nodes of the swarm have another Docker Engine than 26.1.5: demo-2 20.10.24"
        assert doctor.tell().of("swarm") == ("warning", words, "boot2docker swarm ls demo")

    def test_what_the_engine_says_of_a_fault_is_quoted(self, doctor: Doctor) -> None:
        self.engine(doctor).error = "x509: certificate has expired or is not yet valid"
        told = doctor.tell()
        level, found, fix = told.of("swarm")
        assert (told.status, level, fix) == (9, "failure", "boot2docker swarm up demo")
        assert "certificate has expired" in found

    def test_a_node_that_reaches_no_manager_is_warned_of(self, doctor: Doctor) -> None:
        self.engine(doctor).is_slow_for = 9
        level, _found, fix = doctor.tell().of("swarm")
        assert (level, fix) == ("warning", "boot2docker swarm up demo")

    def test_managers_that_cannot_act_are_a_failure(self, doctor: Doctor) -> None:
        self.engine(doctor).says["/nodes"] = (500, {"message": "The swarm does not have a leader"})
        level, found, _fix = doctor.tell().of("swarm")
        assert level == "failure"
        assert "does not have a leader" in found


class TestFirstHour:
    def test_what_the_vm_has_is_measured(self, doctor: Doctor) -> None:
        told = doctor.tell()
        assert told.of("memory") == ("ok", "the VM has 2000 MB of memory, and 976 MB to give", "")
        words = "the VM's disk has 19531 MB, of which 14648 MB are free"
        assert told.of("disk") == ("ok", words, "")
        words = "the engine uses no proxy, and asks 10.0.2.3 for names"
        assert told.of("network") == ("ok", words, "")

    @pytest.mark.parametrize(
        ("host_mb", "advice"),
        [
            (16_000, "boot2docker set --memory 4096 --restart"),
            (6_000, "boot2docker set --memory 3000 --restart"),
            (4_000, "Stop containers; what each of them takes: docker stats"),
        ],
    )
    def test_no_more_memory_is_advised_than_the_host_can_spare(
        self, host_mb: int, advice: str
    ) -> None:
        assert more_memory(2_048_000, host_mb) == advice

    def test_what_is_nearly_used_up_is_a_warning(self, doctor: Doctor) -> None:
        doctor.guest(memory_kb=10_000, disk_kb=900_000, servers=b"")
        told = doctor.tell()
        level, _found, fix = told.of("memory")
        assert (level, fix) == ("warning", more_memory(2_048_000, host_memory_mb()))
        level, _found, fix = told.of("disk")
        assert level == "warning"
        assert "boot2docker set --disksize 40g" in fix
        assert told.of("network")[0] == "warning"

    def test_the_proxy_of_the_engine_is_named_without_its_password(self, doctor: Doctor) -> None:
        doctor.endpoint.info = {"HttpsProxy": "http://me:s3cr3t@proxy:3128"}
        words = doctor.tell().of("network")[1]
        assert "proxy:3128" in words
        assert "s3cr3t" not in words

    def test_a_guest_that_tells_nonsense(self, doctor: Doctor) -> None:
        doctor.session.connection.answers = {"MemTotal": b"MemTotal: x\ndisk\nnameserver\n\xff"}
        told = doctor.tell()
        assert told.of("memory")[0] == told.of("disk")[0] == "skipped"

    @pytest.mark.parametrize("age", [10, 400])
    def test_the_age_of_the_image(self, doctor: Doctor, age: int) -> None:
        doctor.boots(age_days=age)
        level, found, fix = doctor.tell().of("image")
        assert (level, fix) == (("ok", "") if age < 180 else ("warning", "boot2docker upgrade"))
        assert f"{age} days old" in found

    def test_plugins_of_the_client(self, doctor: Doctor) -> None:
        words = "docker has its plugins compose 2.39.1 and buildx 2.39.1"
        assert doctor.tell().of("plugins") == ("ok", words, "")
        doctor.client({"Version": "28.2.2", "DefaultAPIVersion": "1.50"}, plugins=False)
        level, found, fix = doctor.tell().of("plugins")
        assert level == "warning"
        assert "docker has no plugin compose, buildx" in found
        assert "docker-compose" in fix

    def test_an_engine_that_does_not_answer_is_quoted(self, doctor: Doctor) -> None:
        doctor.endpoint.is_running = False
        told = b"lives\nlog\nlevel=info msg=waiting\n"
        doctor.session.connection.answers["pidof dockerd"] = told
        _level, found, fix = doctor.tell().of("engine")
        assert found.endswith("what it said last: level=info msg=waiting")
        assert fix == "boot2docker logs engine"
