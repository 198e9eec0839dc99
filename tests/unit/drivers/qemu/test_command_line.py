"""The command lines of QEMU, and where its programs are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boot2docker_py.drivers.model import Share
from boot2docker_py.drivers.qemu import command_line, shares, tls
from boot2docker_py.drivers.qemu.files import Files, Settings
from boot2docker_py.errors import UsageError

SETTINGS = Settings(
    uuid="03175e26-9387-475b-8fd3-5b8c0a4fbd0e",
    iso="/home/J, ö=on/boot2docker.iso",
    disk_mb=20000,
    memory_mb=2048,
    cpus=2,
    ssh_port=2022,
    docker_port=0,
    console_log="/home/a, b/console.log",
    accelerator="tcg",
)
SOCKET = Path("/run/a, b/qemu.sock")


def command(**changes: object) -> list[str]:
    settings = Settings(**{**vars(SETTINGS), **changes})
    files = Files(Path("/home/J, ö=on/vms/vm"))
    return command_line.machine("qemu", "my, vm", settings, files, SOCKET, "pc")


def values_of(option: str, words: list[str]) -> list[str]:
    return [value for word, value in zip(words, words[1:]) if word == option]


def test_paths_of_disks_are_json_and_need_no_escape() -> None:
    blocks = [json.loads(block) for block in values_of("-blockdev", command())]
    names = [block["filename"] for block in blocks if "filename" in block]
    assert names == [SETTINGS.iso, str(Path("/home/J, ö=on/vms/vm/disk.qcow2"))]


def test_commas_are_doubled_where_json_is_not_spoken() -> None:
    words = command()
    assert values_of("-name", words) == ["my,, vm"]
    console, control = values_of("-chardev", words)
    assert console == (
        f"socket,id=console,path={Path('/run/a,, b/console.sock')},server=on,wait=off,"
        "logfile=/home/a,, b/console.log,logappend=on"
    )
    assert f"path={SOCKET.parent}".replace(",", ",,") in control


def test_the_image_is_never_written() -> None:
    blocks = [json.loads(block) for block in values_of("-blockdev", command())]
    assert all(block["read-only"] for block in blocks if block["node-name"].startswith("cd"))


@pytest.mark.parametrize(
    ("docker_port", "network"),
    [
        (0, "user,id=network,hostfwd=tcp:127.0.0.1:2022-:22"),
        (
            2376,
            "user,id=network,hostfwd=tcp:127.0.0.1:2022-:22,hostfwd=tcp:127.0.0.1:2376-:2376",
        ),
    ],
)
def test_ports_are_open_to_this_host_alone(docker_port: int, network: str) -> None:
    assert values_of("-netdev", command(docker_port=docker_port)) == [network]


def test_a_network_of_the_users_choice() -> None:
    (network,) = values_of("-netdev", command(nat_network="10.7.7.0/24"))
    assert network.startswith("user,id=network,net=10.7.7.0/24,hostfwd=")


def test_control_at_a_port_demands_our_certificate() -> None:
    endpoint = tls.Port(45678, Path("/a, b/tls"), (45679,))
    settings = Settings(**{**vars(SETTINGS), "console_port": 45680})
    words = command_line.machine("qemu", "vm", settings, Files(Path("vm")), endpoint, "pc")
    control = "host=127.0.0.1,port={},tls-creds=control-tls,server=on,wait=off"
    console, *told = values_of("-chardev", words)
    assert told == [
        f"socket,id=control0,{control.format(45678)}",
        f"socket,id=control1,{control.format(45679)}",
    ]
    assert values_of("-mon", words) == [f"chardev=control{n},mode=control" for n in (0, 1)]
    place = "host=127.0.0.1,port=45680,tls-creds=control-tls"
    logged = "logfile=/home/a,, b/console.log,logappend=on"
    assert console == f"socket,id=console,{place},server=on,wait=off,{logged}"
    folder = str(endpoint.credentials).replace(",", ",,")
    credentials = "tls-creds-x509,id=control-tls,endpoint=server,verify-peer=on,dir="
    assert values_of("-object", words) == [credentials + folder]


@pytest.mark.parametrize(
    ("accelerator", "model"),
    [("tcg", "max"), ("kvm", "host"), ("hvf", "host"), ("whpx", "qemu64")],
)
def test_a_trial_runs_the_cpu_that_the_vm_will_have(accelerator: str, model: str) -> None:
    """One that passes with a lesser CPU says nothing of the VM."""
    for words in (
        command_line.trial("qemu", accelerator, Path("rom")),
        command(accelerator=accelerator),
    ):
        assert values_of("-cpu", words) == [model]
        assert values_of("-accel", words)[0].split(",")[0] == accelerator


@pytest.mark.parametrize(
    ("platform", "accelerators"),
    [
        ("linux", ["kvm", "tcg"]),
        ("darwin", ["hvf", "tcg"]),
        ("win32", ["whpx", "tcg"]),
        ("freebsd13", ["tcg"]),
    ],
)
def test_emulation_is_the_last_resort_everywhere(platform: str, accelerators: list[str]) -> None:
    assert command_line.accelerators(platform) == accelerators


@pytest.mark.parametrize(
    ("platform", "way"),
    [("linux", "apt install"), ("darwin", "brew install"), ("win32", "www.qemu.org")],
)
def test_each_platform_is_told_its_way_to_qemu(platform: str, way: str) -> None:
    assert way in command_line.install_hint(platform)


def a_program(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_environment_may_name_another_qemu(tmp_path: Path) -> None:
    program = a_program(tmp_path / "mine" / "qemu-9")
    disk_tool = a_program(tmp_path / "mine" / "qemu-img")
    environ = {"BOOT2DOCKER_QEMU": str(program)}
    assert command_line.find_program(environ) == str(program)
    assert command_line.find_tool("qemu-img", environ) == str(
        disk_tool
    ), "the one of the same version"


def test_a_qemu_that_is_not_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_line.find_program({}) is None
    assert command_line.find_tool("qemu-img", {}) is None


def test_a_saved_state_is_an_open_file_where_that_can_be_handed_over() -> None:
    path = Path("saved, by me.state")
    uris = [command_line.saved_state_uri(path, "7", is_handed_over=it) for it in (True, False)]
    assert uris == ["fd:7", "file:saved, by me.state"]


@pytest.mark.parametrize(
    ("version", "options"),
    [
        ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)", "tcg,thread=single"),
        ("QEMU emulator version 8.0.5", "tcg,thread=single"),
        ("QEMU emulator version 8.1.0", "tcg,thread=multi"),
        ("QEMU emulator version 10.0.8 (Debian 1:10.0.8)", "tcg,thread=multi"),
        ("", "tcg,thread=single"),
    ],
)
def test_cpus_are_emulated_at_once_only_where_that_is_safe(version: str, options: str) -> None:
    """Before QEMU 8.1 a guest that changes its own code may die of it."""
    accelerator = command_line.emulation(version)
    assert options in command(accelerator=accelerator)


@pytest.mark.parametrize(
    ("name", "tag", "table"),
    [
        ("work/space", "work/space", []),
        ("x" * 31, "x" * 31, []),
        ("x" * 32, "boot2docker-share-0", ["78" * 32]),
        ("ä", "boot2docker-share-0", ["c3a4"]),
        ("a,b", "boot2docker-share-0", ["612c62"]),
    ],
)
def test_a_share_has_a_tag_and_a_name_that_is_no_tag_comes_beside_it(
    name: str, tag: str, table: list[str]
) -> None:
    folder = Path("/home/J, ö=on/work")
    words = command(shares=[[name, str(folder)]])
    path = str(folder).replace(",", ",,")
    back_end = f"local,id=share0,path={path},security_model=none,multidevs=remap"
    assert values_of("-fsdev", words) == [back_end]
    assert f"virtio-9p-pci,fsdev=share0,mount_tag={tag}" in words
    wanted = [f"type=11,value={tag}={digits}" for digits in table]
    assert values_of("-smbios", words) == wanted


def test_shares_that_qemu_has_no_room_for_are_refused() -> None:
    many = [Share(str(number), Path("/x")) for number in range(shares.MOST_SHARES + 1)]
    shares.demand_possible(many[1:])
    with pytest.raises(UsageError, match="21 folders"):
        shares.demand_possible(many)
