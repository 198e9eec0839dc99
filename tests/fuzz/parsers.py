"""Readers of what others wrote: guest, web, engine, forwarder, hypervisor, editors."""

from __future__ import annotations

import contextlib
import io
import json
import math
import socket
import tarfile
import time
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Callable, cast

from boot2docker_py import config, paths
from boot2docker_py.docker.client import can_talk, understood
from boot2docker_py.docker.config import DockerConfig
from boot2docker_py.drivers.qemu import files as qemu_files
from boot2docker_py.drivers.qemu import qmp
from boot2docker_py.endpoint import control, status
from boot2docker_py.endpoint.ports import engine_events, published, udp
from boot2docker_py.endpoint.relay import gatekeeper
from boot2docker_py.errors import UsageError
from boot2docker_py.guest import addresses, engine, http, swarm
from boot2docker_py.guest.copy import copier, places, unpacking
from boot2docker_py.image import checksums, sources, store
from boot2docker_py.image.fetching import partial, releases, web_errors
from boot2docker_py.masking import without_secrets
from boot2docker_py.ssh import host_keys, keys
from boot2docker_py.ssh.stream import Stream
from boot2docker_py.wait import Deadline
from tests.fuzz.chance import Chance
from tests.fuzz.trial import Case, Target
from tests.unit.image.iso_bytes import make_iso

ISO = make_iso()
KEY = keys.make_host_key().private
SHA256 = "b" * 64
PROFILE = b"""VM = "x"
Memory = 512
DHCPEnabled = true
HostIP = "1.2.3.4"
NetMask = [255,255,255,0]
VBoxShare = ["/a=b"]
Timeout = 3.5
[a]
b = 1
"""
OF_A_SWARM = (
    {
        "Swarm": {
            "LocalNodeState": "active",
            "NodeID": "x7",
            "ControlAvailable": True,
            "RemoteManagers": [{"NodeID": "x7", "Addr": "192.168.60.1:2377"}],
        },
        "SystemTime": "2026-11-30T07:45:33.123456789Z",
        "ServerVersion": "26.1.5",
        "OperatingSystem": "Boot2Docker",
    },
    [
        {
            "ID": "x7",
            "Version": {"Index": 7},
            "Spec": {"Role": "manager", "Availability": "active"},
            "Description": {"Hostname": "demo-1", "Engine": {"EngineVersion": "26.1.5"}},
            "Status": {"State": "ready", "Addr": "192.168.60.1"},
            "ManagerStatus": {"Leader": True, "Addr": "192.168.60.1:2377"},
        }
    ],
)
RELEASES = [
    {
        "tag_name": "v19.03.12",
        "draft": False,
        "prerelease": False,
        "body": f"sha256sum\n{SHA256}  boot2docker.iso",
        "assets": [
            {
                "name": "boot2docker.iso",
                "size": 5,
                "browser_download_url": "https://h/x",
                "digest": f"sha256:{SHA256}",
            }
        ],
    }
]
PORT = {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}
CONTAINERS = [{"Id": "a" * 64, "Names": ["/x"], "Ports": [PORT, {**PORT, "IP": "::"}]}]
MAC = "08:00:27:de:ad:01"


def profile(chance: Chance, folder: Path) -> Case:
    data = chance.mutated(PROFILE)
    (folder / "profile").write_bytes(data)
    return data, lambda: config.load(paths.Paths(folder, folder), {})


def iso_image(chance: Chance, folder: Path) -> Case:
    data = bytearray(ISO)
    for _ in range(chance.randrange(1, 6)):
        offset = chance.choice((0, 1, 7, 40, 71, 80, 83, 128, 129, chance.randrange(200)))
        data[chance.choice((16, 17, 18, 19)) * 2048 + offset] = chance.randrange(256)
    path = folder / "i.iso"
    path.write_bytes(data[: chance.choice((len(data), chance.randrange(len(data))))])
    if chance.random() < 0.3:
        store.record_path(path).write_bytes(chance.json_like({"version": "1", "sha256": SHA256}))
    return bytes(data[16 * 2048 : 20 * 2048]), lambda: store.read_image(path)


def release_list(chance: Chance, _folder: Path) -> Case:
    data = chance.json_like(RELEASES)
    source = sources.parse("https://git.example/api/v3/repos/a/b/releases")
    return data, lambda: releases.pick(data.decode("utf-8", "replace"), source)


def image_address(chance: Chance, _folder: Path) -> Case:
    good = (b"https://u:p@h.example:443/a/b.iso?x=1", b"file:///C:/x/y.iso", b"http://[::1]:80/x")
    data = chance.mutated(chance.choice(good))
    text = data.decode("utf-8", "surrogateescape")
    is_windows = chance.random() < 0.5
    return data, lambda: (without_secrets(text), sources.parse(text, is_windows=is_windows))


def checksum_text(chance: Chance, _folder: Path) -> Case:
    good = (f"{SHA256}  x.iso\n", f"SHA256 (x.iso) = {SHA256}\n", "c" * 128)
    data = chance.mutated(chance.choice(good).encode())
    return data, lambda: checksums.beside(data.decode("utf-8", "replace"), "x.iso", "o")


def http_headers(chance: Chance, _folder: Path) -> Case:
    good = (b"120", b"Wed, 21 Oct 2026 07:28:00 GMT", b"1700000000")
    data = chance.mutated(chance.choice(good))
    text = data.decode("latin-1")
    code = chance.choice((403, 429, 503))
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": text, "Retry-After": text}

    def use() -> None:
        web_errors.of_status("http://h/x", code, headers, text)
        wait_s = web_errors.parse_retry_after(text, time.time())
        assert 0 <= wait_s <= web_errors.LONGEST_PAUSE_S

    return data, use


def note_of_a_download(chance: Chance, folder: Path) -> Case:
    download = partial.Partial(folder / "p.iso")
    data = chance.json_like({"url": "http://x", "validator": '"e"', "total_bytes": 50})
    (folder / "p.iso.download.json").write_bytes(data)
    download.path.write_bytes(b"x" * 20)
    header = chance.mutated(b"bytes 20-49/50").decode("latin-1")

    def use() -> None:
        asked = download.range_headers("http://x")
        download.continues(asked, {"Content-Range": header, "ETag": '"e"'})
        assert download.total_bytes is None or isinstance(download.total_bytes, int)

    return data, use


def docker_settings(chance: Chance, folder: Path) -> Case:
    data = chance.json_like({"auths": {}, "currentContext": "x", "proxies": {"default": {}}})
    (folder / "config.json").write_bytes(data)
    found = DockerConfig(folder)

    def use() -> None:
        found.choice({})
        found.set_current_context("z")

    return data, use


def forwarder_status(chance: Chance, _folder: Path) -> Case:
    good = status.ForwarderStatus("1", 1, status.Phase.FORWARDING, reason="x").as_dict()
    data = chance.json_like(good).replace(b"\n", b"") + b"\n"

    def use() -> None:
        here, there = socket.socketpair()
        with there:
            there.sendall(data)
            there.shutdown(socket.SHUT_WR)
            with control.Peer(here, 1) as peer:
                answer = peer.ask("status")
        if answer is not None:
            with contextlib.suppress(ValueError):  # its caller takes it for silence
                status.ForwarderStatus.from_dict(answer)

    return data, use


def control_question(chance: Chance, _folder: Path) -> Case:
    data = chance.json_like({"ask": "status"})

    def use() -> None:
        here, there = socket.socketpair()
        with there:
            there.sendall(data + b"\n")
            there.shutdown(socket.SHUT_WR)
            control.serve_one(here, lambda question: {"asked": question})

    return data, use


def qmp_messages(chance: Chance, _folder: Path) -> Case:
    good = [{"QMP": {}}, {"return": {}}, {"event": "STOP"}, {"return": {"status": "running"}}]
    messages = [*good[:2], {"error": {"class": "x", "desc": "y"}}, *good[2:]]
    data = b"\n".join(json.dumps(chance.mutated_json(one)).encode() for one in messages) + b"\n"
    if chance.random() < 0.5:
        data = chance.mutated(data)

    def use() -> None:
        here, there = socket.socketpair()
        with here, there, contextlib.suppress(*OF_QMP):
            there.sendall(data)
            there.shutdown(socket.SHUT_WR)
            qmp.Monitor(here, Deadline(5)).execute("query-status")

    return data, use


OF_QMP = (qmp.NotListeningError, qmp.NoAnswerError, qmp.RefusedError)


def engines_list(chance: Chance, _folder: Path) -> Case:
    containers = chance.mutated_json(CONTAINERS, depth=0)
    kept = [one for one in containers if isinstance(one, dict)]

    def use() -> None:
        for port in published.published_by(kept):
            assert 0 < port.port < 65536
            assert port.protocol in published.PROTOCOLS
            assert len(port.container) <= published.NAME_LETTERS

    return json.dumps(containers).encode(), use


def engines_answer(chance: Chance, _folder: Path) -> Case:
    good = b"HTTP/1.0 200 OK\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Type: x\r\n\r\n[]"
    data = chance.mutated(good)

    def answering() -> socket.socket:
        here, there = socket.socketpair()
        with there:
            there.sendall(data)
        return here

    def use() -> None:
        with answering() as stream, contextlib.suppress(OSError, ValueError):  # its caller takes
            deadline = Deadline(1.0)
            answer = http.ask(cast(Stream, stream), "/x", deadline)
            engine_events.events_path(answer.head.get("date", ""))
            http.body(cast(Stream, stream), answer, engine_events.LIST_LIMIT_BYTES, deadline)
        for question in (engine.ping, engine.time_s, engine.version):
            question(answering)

    return data, use


def engines_swarm(chance: Chance, _folder: Path) -> Case:
    said = [chance.json_like(OF_A_SWARM[0]), chance.json_like(OF_A_SWARM[1])]

    def answering(body: bytes) -> Callable[[], Stream]:
        def connect() -> Stream:
            here, there = socket.socketpair()
            with there:
                there.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
            return cast(Stream, here)

        return connect

    def use() -> None:
        found = swarm.Engine("x", answering(said[0])).membership(Deadline(1.0))
        assert found.clock_skew_s is None or math.isfinite(found.clock_skew_s)
        assert max(map(len, (found.system, found.engine_version))) <= swarm.TEXT_LIMIT
        swarm.Engine("x", answering(said[1])).nodes(Deadline(1.0))

    return b"".join(said), use


def docker_version(chance: Chance, _folder: Path) -> Case:
    data = chance.json_like({"Client": {"Version": "29.0.1", "DefaultAPIVersion": "1.52"}})
    return data, lambda: can_talk(understood("docker", data, ""), "1.24", "1.45")


def known_hosts(chance: Chance, folder: Path) -> Case:
    data = chance.mutated(b"boot2docker-vm ssh-ed25519 AAAA\n|1|x|y ssh-rsa BBBB\n")
    (folder / "known_hosts").write_bytes(data)
    return data, lambda: host_keys.pinned(folder / "known_hosts", "boot2docker-vm")


def private_key(chance: Chance, folder: Path) -> Case:
    data = chance.mutated(KEY)
    (folder / "key").write_bytes(data)
    return data, lambda: keys.load(folder / "key")


def vm_settings(chance: Chance, folder: Path) -> Case:
    good = {"uuid": "x", "memory_mb": 1, "cpus": 1, "ssh_port": 1, "docker_port": 0, "iso": "/x"}
    more = {"accelerator": "tcg", "console_log": "/x", "disk_mb": 1, "qmp_port": 0, "format": 1}
    data = chance.json_like({**good, **more})
    (folder / "vm.json").write_bytes(data)
    return data, lambda: qemu_files.read_settings(folder / "vm.json")


def udp_frames(chance: Chance, _folder: Path) -> Case:
    data = chance.mutated(b"\0\0\0\1\0\3abc\0\0\0\2\0\0")
    pieces = iter([data[:3], data[3:], b""])
    return data, lambda: list(udp.frames(lambda: next(pieces)))


def guests_addresses(chance: Chance, _folder: Path) -> Case:
    data = chance.mutated(f"2: eth1:\n    link/ether {MAC}\n    inet 1.2.3.4/24 x\n".encode())

    def use() -> None:
        found = addresses.parse(data.decode(errors="replace"), MAC)
        assert found is None or all(part.isdecimal() for part in found.split("."))

    return data, use


def facts_of_a_file(chance: Chance, _folder: Path) -> Case:
    data = chance.mutated(b"12345 644 1700000000")
    return data, lambda: copier.facts_of_file(data.decode("ascii", "replace").split())


def name_in_an_archive(chance: Chance, _folder: Path) -> Case:
    data = chance.mutated(b"./a/b/c.txt")

    def use() -> None:
        for platform, folder in (
            ("linux", PurePosixPath("/home/me")),
            ("win32", PureWindowsPath("C:/Users/me")),
        ):
            with contextlib.suppress(UsageError):
                parts = places.parts(data.decode("utf-8", "surrogateescape"), platform)
                place = folder.joinpath(*parts)
                assert place == folder or folder in place.parents

    return data, use


def head_of_a_request(chance: Chance, _folder: Path) -> Case:
    data = chance.mutated(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: http://evil.example")

    def use() -> None:
        assert gatekeeper.why_not(data + b"\r\nOrigin: x")
        gatekeeper.why_not(data)

    return data, use


def archive_of_the_guest(chance: Chance, folder: Path) -> Case:
    data = bytearray(_archive(chance))
    for _ in range(chance.randrange(0, 4)):
        at = chance.randrange(0, len(data) // 512) * 512
        data[at + chance.randrange(512)] = chance.choice(
            (0, 0x80, 0xFF, 0x37, chance.randrange(256))
        )
        if chance.random() < 0.9:  # a right checksum, or nothing more is read
            head = data[at : at + 512]
            data[at + 148 : at + 156] = b"%06o\0 " % (256 + sum(head[:148]) + sum(head[156:]))
    box = folder / "box"
    (box / "parent").mkdir(parents=True)

    def use() -> None:
        try:
            unpacking.unpack(io.BytesIO(bytes(data)), box / "parent" / "new")
        finally:
            found = {path.name for path in (*box.iterdir(), *(box / "parent").iterdir())}
            assert found <= {"parent", "new"}, "something is outside of the copy"

    return bytes(data), use


def _archive(chance: Chance) -> bytes:
    out = io.BytesIO()
    kinds = {"a": b"0", "d": b"5", "d/f": b"0", "l": b"2", "l/x": b"2", "h": b"1", "dev": b"3"}
    kinds["n" * 150] = b"0"
    form = chance.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name in chance.sample(sorted(kinds), 5):
            info = tarfile.TarInfo(name)
            info.type = kinds[name]
            info.size = 4 if info.type == b"0" else 0
            if info.type in b"12":
                info.linkname = chance.choice(("a", "..", "../outside", "d", "/nonexistent"))
            if chance.random() < 0.1 and form == tarfile.PAX_FORMAT:
                key = chance.choice(("mtime", "path", "GNU.sparse.realsize", "linkpath"))
                info.pax_headers = {key: chance.choice(("nan", "1e400", "-1", "../x"))}
            tar.addfile(info, io.BytesIO(b"data"))
    return out.getvalue()


_ALL: tuple[Callable[[Chance, Path], Case], ...] = (
    *(profile, iso_image, release_list, image_address, checksum_text, http_headers),
    *(note_of_a_download, docker_settings, forwarder_status, control_question, qmp_messages),
    *(engines_list, engines_answer, engines_swarm, docker_version, known_hosts, private_key),
    vm_settings,
    *(udp_frames, guests_addresses, facts_of_a_file, name_in_an_archive, head_of_a_request),
    archive_of_the_guest,
)
TARGETS: dict[str, Target] = {target.__name__: target for target in _ALL}
