"""Mutated inputs for all that reads what others wrote: only errors of ours may come out.

    python fuzz_parsers.py SEED COUNT [NAME...]     (with the package to test on PYTHONPATH)

Prints each kind of failure once, with the smallest input that shows it.
"""
import atexit, io, json, logging, os, random, resource, shutil, socket, sys, tarfile, tempfile, time, traceback
from pathlib import Path

resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 20, 32 << 20))  # no archive may fill the disk
from boot2docker_py import config, paths
from boot2docker_py.drivers.qemu import files as qemu_files, qmp
from boot2docker_py.docker import config
from boot2docker_py.docker.client import can_talk, understood
from boot2docker_py.endpoint import status
from boot2docker_py.endpoint.ports import engine_events, published, udp
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest import engine
from boot2docker_py.guest.copy import unpacking
from boot2docker_py.ssh import host_keys, keys
from boot2docker_py.image import checksums, iso9660, partial, releases, sources, store, versions, web_errors
from boot2docker_py.wait import Deadline

random.seed(int(sys.argv[1]))
logging.disable(logging.CRITICAL)
folder = Path(tempfile.mkdtemp(prefix="fuzz-parsers."))
atexit.register(shutil.rmtree, folder, ignore_errors=True)
ODD = [b"\x00", b"\xff", b"\n", b"\r\n", b"\xb2", b"\xd9\xa3", b"-1", b"0", b"1e999", b"NaN", b"null", b"{}", b"[]", b'""', b"9" * 30,
       b"9" * 5000, b"[" * 3000, b'{"a":' * 3000, b"\\ud800", b"\xed\xa0\x80", b"..", b"/", b" ", b"\x1b[31m", b"true", b"A" * 1000, b"://", b"[::1"]

def mutated(data):
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at = random.randrange(len(data) + 1)
        kind = random.random()
        if kind < 0.3 and data:
            data[at % len(data)] = random.randrange(256)
        elif kind < 0.6:
            data[at:at + random.choice((0, 0, 1, 2, 5))] = random.choice(ODD)
        elif kind < 0.75:
            del data[at:at + random.choice((1, 2, 8, 100))]
        elif kind < 0.85:
            del data[at:]
        else:
            end = min(len(data), at + random.randrange(1, 60))
            data[at:at] = data[at:end]
    return bytes(data)

JSON_ODD = [None, True, -1, 0, 1.5, 1e308, 2**70, "", "x", "\ud800", "\u00b2", "9" * 30, [], {}, [None], {"a": None}, "-1", "a\nb", "../..", "http://[::1"]
def mutated_json(value, depth=0):
    if depth and random.random() < 0.15:
        return random.choice(JSON_ODD)
    if isinstance(value, dict):
        new = {k: mutated_json(v, depth + 1) for k, v in value.items() if random.random() > 0.04}
        return new
    if isinstance(value, list):
        return [mutated_json(v, depth + 1) for v in value if random.random() > 0.04] * random.choice((1, 1, 1, 2))
    return value
def either(value):
    if random.random() < 0.5:
        return mutated(json.dumps(value).encode())
    return json.dumps(mutated_json(value)).encode()

TARGETS = {}
def target(function):
    TARGETS[function.__name__] = function
    return function

def file_with(data, name="f"):
    path = folder / name
    path.write_bytes(data)
    return path

@target
def profile():
    data = mutated(b'VM = "x"\nMemory = 512\nDiskSize = 20000\nDHCPEnabled = true\nHostIP = "1.2.3.4"\nNetMask = [255,255,255,0]\nVBoxShare = ["/a=b"]\nTimeout = 3.5\n[a]\nb = 1\n')
    file_with(data, "profile")
    return data, lambda: config.as_toml(config.load(paths.Paths(folder, folder), {}))

def iso():
    data = bytearray(40 * 2048)
    def put(sector, content): data[sector * 2048:sector * 2048 + len(content)] = content
    put(16, b"\x01CD001\x01\x00" + b" " * 32 + b"b2d-v26.1.5-20261101".ljust(32)); data[16 * 2048 + 80:16 * 2048 + 84] = (40).to_bytes(4, "little"); data[16 * 2048 + 128:16 * 2048 + 130] = (2048).to_bytes(2, "little")
    put(17, b"\x00CD001\x01EL TORITO SPECIFICATION".ljust(71, b"\0") + (19).to_bytes(4, "little")); put(18, b"\xffCD001\x01")
    put(19, b"\x01" + bytes(27) + b"\xaa\x55\x55\xaa" + b"\x88")
    return bytes(data)
ISO = iso()
@target
def iso_image():
    if random.random() < 0.1:
        data = os.urandom(random.randrange(100000))
    else:
        data = bytearray(ISO)
        for _ in range(random.randrange(1, 6)):
            data[random.choice((0, 16, 17, 18, 19)) * 2048 + random.choice((0, 1, 7, 40, 71, 72, 80, 81, 83, 128, 129, random.randrange(200)))] = random.randrange(256)
        data = bytes(data[:random.choice((len(data), len(data), random.randrange(len(data))))])
    path = file_with(data, "i.iso")
    store.record_path(path).unlink(missing_ok=True)
    if random.random() < 0.3:
        store.record_path(path).write_bytes(either({"version": "1", "sha256": "a" * 64, "size_bytes": len(data), "mtime_ns": path.stat().st_mtime_ns, "source": "x"}))
    return data, lambda: versions.compare(store.read_image(path).version, "26.1.4")

RELEASES = [{"tag_name": "v19.03.12", "draft": False, "prerelease": False, "body": "sha256sum\n" + "a" * 64 + "  boot2docker.iso", "assets": [{"name": "boot2docker.iso", "size": 5, "browser_download_url": "https://h/x", "digest": "sha256:" + "b" * 64}]}]
@target
def release_list():
    data = either(RELEASES)
    return data, lambda: releases.pick(data.decode("utf-8", "replace"), sources.parse("https://git.example/api/v3/repos/a/b/releases"))
@target
def release_url():
    data = mutated(random.choice((b"https://u:p@h.example:443/a/b.iso?x=1", b"file:///C:/x/y.iso", b"file://host/x", b"http://[::1]:80/x", b"C:\\x\\y")))
    text = data.decode("utf-8", "surrogateescape")
    return data, lambda: (sources.without_password(text), sources.parse(text, is_windows=random.random() < 0.5))
@target
def checksum_text():
    data = mutated(random.choice((b"a" * 64 + b"  x.iso\n", b"SHA256 (x.iso) = " + b"b" * 64 + b"\n", b"c" * 128)))
    return data, lambda: checksums.beside(data.decode("utf-8", "replace"), "x.iso", "o")
@target
def http_headers():
    data = mutated(random.choice((b"120", b"Wed, 21 Oct 2026 07:28:00 GMT", b"1700000000")))
    text = data.decode("latin-1")
    def use():
        web_errors.of_status("http://h/x", random.choice((403, 429, 503)), {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": text, "Retry-After": text}, text)
        web_errors.parse_retry_after(text, time.time())
    return data, use
@target
def partial_note():
    p = partial.Partial(folder / "p.iso")
    data = either({"url": partial._fingerprint("http://x"), "validator": '"e"', "total_bytes": 50})
    p._note_path.write_bytes(data); p.path.write_bytes(b"x" * 20)
    header = mutated(b"bytes 20-49/50").decode("latin-1")
    def use():
        asked = p.range_headers("http://x"); p.continues(asked, {"Content-Range": header, "ETag": '"e"'}); p.total_bytes
    return data + b" | " + header.encode(), use
@target
def docker_settings():
    data = either({"auths": {}, "currentContext": "x", "credsStore": "y", "proxies": {"default": {}}})
    path = file_with(data, "config.json")
    c = config.DockerConfig(folder)
    return data, lambda: (c.current_context(), c.choice({}), c.set_current_context("z"))
@target
def forwarder_status():
    data = either(status.ForwarderStatus("1", 1, status.Phase.FORWARDING, listeners=(status.ListenerStatus("unix:///x"),), last_error=status.LastError("a")).as_dict())
    def use():
        from boot2docker_py.endpoint import control
        a, b = socket.socketpair(); a.settimeout(1); b.sendall(data.replace(b"\n", b"") + b"\n"); b.close()
        with control.Peer(a, 1) as peer:
            answer = peer.ask("status")
        if answer is not None:
            status.ForwarderStatus.from_dict(answer)
    return data, use
@target
def control_question():
    data = either({"ask": "status"})
    def use():
        from boot2docker_py.endpoint import control
        a, b = socket.socketpair(); b.sendall(data + b"\n"); b.shutdown(socket.SHUT_WR)
        control._serve(a, lambda q: {"q": q}); b.close()
    return data, use
@target
def qmp_messages():
    data = mutated(b'{"QMP": {"version": {}}}\r\n{"return": {}}\r\n{"event": "STOP"}\r\n{"return": {"status": "running"}}\r\n') if random.random() < 0.5 else b"\n".join(json.dumps(mutated_json(m)).encode() for m in ({"QMP": {}}, {"return": {}}, {"error": {"class": "x", "desc": "y"}}, {"return": {"status": "running"}})) + b"\n"
    def use():
        a, b = socket.socketpair(); b.sendall(data); b.shutdown(socket.SHUT_WR); a.settimeout(1)
        try:
            qmp.Monitor(a, Deadline(1)).execute("query-status")["status"]
        except (qmp.NotListeningError, qmp.NoAnswerError, qmp.RefusedError):
            pass
        finally:
            a.close(); b.close()
    return data, use
@target
def engine_list():
    value = [{"Id": "a" * 64, "Names": ["/x"], "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]}]
    new = mutated_json(value)
    def use():
        try:
            ports = published.published_by(new)
        except (ValueError, TypeError, KeyError, AttributeError):  # its caller takes any, and asks again
            return
        for port in ports:
            if not 0 < port.port < 65536:
                raise AssertionError(f"port {port.port} is believed")
    return json.dumps(new).encode(), use
@target
def http_answer():
    data = mutated(b"HTTP/1.0 200 OK\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Type: x\r\n\r\n[]")
    def use():
        a, b = socket.socketpair(); b.sendall(data); b.shutdown(socket.SHUT_WR)
        with a, b:
            try:
                head, _ = engine_events.ask(a, "/x")
                engine_events._events_path(head.get("date", ""))
            except (OSError, ValueError):  # what its caller takes
                pass
        for question in (engine.ping, engine.time_s, engine.version):
            a, b = socket.socketpair(); b.sendall(data); b.shutdown(socket.SHUT_WR)
            with b:
                question(lambda: a)
    return data, use
@target
def docker_version():
    data = either({"Client": {"Version": "29.0.1", "ApiVersion": "1.52", "DefaultAPIVersion": "1.52"}})
    return data, lambda: can_talk(understood("docker", data, ""), "1.24", "1.45")
@target
def known_hosts():
    data = mutated(b"boot2docker-vm ssh-ed25519 AAAA\n|1|x|y ssh-rsa BBBB\n")
    path = file_with(data, "kh")
    return data, lambda: host_keys.pinned(path, "boot2docker-vm")
KEY = keys.make_host_key().private
@target
def private_key():
    data = mutated(KEY)
    return data, lambda: keys.load(file_with(data, "key"))
@target
def vm_settings():
    data = either({"uuid": "x", "memory_mb": 1, "cpus": 1, "ssh_port": 1, "docker_port": 0, "iso": "/x", "accelerator": "tcg", "console_log": "/x", "disk_mb": 1, "qmp_port": 0})
    return data, lambda: qemu_files.read_settings(file_with(data, "vm.json"))
@target
def udp_frames():
    data = mutated(b"\0\0\0\1\0\3abc\0\0\0\2\0\0")
    pieces = iter([data[:3], data[3:], b""])
    return data, lambda: list(udp.frames(lambda: next(pieces)))
def archive():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=random.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))) as tar:
        for name, kind in random.sample([("a", b"0"), ("d", b"5"), ("d/f", b"0"), ("l", b"2"), ("l/x", b"2"), ("h", b"1"), ("n" * 150, b"0"), ("dev", b"3")], 4):
            info = tarfile.TarInfo(name); info.type = kind
            if kind == b"0": info.size = 4
            if kind in b"12": info.linkname = random.choice(("a", "..", "../outside", "d", "/nonexistent"))
            if random.random() < 0.1: info.pax_headers = {random.choice(("mtime", "size", "path", "GNU.sparse.realsize")): random.choice(("nan", "1e400", "-1", "../x"))}
            try: tar.addfile(info, io.BytesIO(b"data"))
            except Exception: pass
    return out.getvalue()
@target
def archive_of_guest():
    data = archive()
    if random.random() < 0.8:
        data = bytearray(data)
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(0, len(data) // 512) * 512 if data else 0
            data[at + random.randrange(0, 512)] = random.choice((0, 0x80, 0xff, 0x37, random.randrange(256)))
            if random.random() < 0.9:  # a right checksum, or nothing more is read
                head = data[at:at + 512]; total = 256 + sum(head[:148]) + sum(head[156:]); data[at + 148:at + 156] = b"%06o\0 " % total
        data = bytes(data)
    box = folder / "box"; shutil.rmtree(box, ignore_errors=True); box.mkdir(); (box / "parent").mkdir()
    stream = io.BytesIO(data)
    def use():
        try:
            unpacking.unpack(stream, box / "parent" / "new")
        finally:
            strange = [p.name for p in (*box.iterdir(), *(box / "parent").iterdir()) if p.name not in ("parent", "new")]
            if strange:
                raise AssertionError(f"unpacked outside of its folder: {strange}")
    return data, use

wanted = sys.argv[3:] or list(TARGETS)
count, failed = int(sys.argv[2]), False
for name in wanted:
    kinds, slowest, began = {}, (0, b""), time.monotonic()
    for _ in range(count):
        data, use = TARGETS[name]()
        at = time.monotonic()
        try:
            use()
        except Boot2DockerError:
            pass
        except BaseException as e:
            if isinstance(e, KeyboardInterrupt): raise
            places_ = [f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(e.__traceback__) if "boot2docker_py" in f.filename]
            kind = f"{places_[-1] if places_ else '?'} {type(e).__name__}: {str(e)[:70]}" if len(places_) else f"{type(e).__name__}: {str(e)[:70]}"
            key = kind.split(": ")[0] if not isinstance(e, AssertionError) else kind[:40]
            n, best, words = kinds.get(key, (0, None, ""))
            if best is None or len(data) < len(best): best, words = data, kind
            kinds[key] = (n + 1, best, words)
        took = time.monotonic() - at
        if took > slowest[0]: slowest = (took, data)
    print(f"{name}: {count} in {time.monotonic() - began:.1f} s, the slowest {slowest[0]:.2f} s" + (f" for {len(slowest[1])} bytes" if slowest[0] > 0.5 else ""), flush=True)
    for n, data, words in kinds.values():
        failed = True
        print(f"    {n} x {words}\n        {data[:160]!r}{' ...' if len(data) > 160 else ''}", flush=True)
sys.exit(1 if failed else 0)
