"""The network of a company: a registry with a certificate of its own, its mirror, and its proxy.

The guest reaches them at one address, through doors that QEMU makes (`guestfwd`), and nothing else.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.server
import json
import select
import shutil
import socket
import socketserver
import subprocess
import threading
from pathlib import Path
from typing import Iterator

import bcrypt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from boot2docker_py.wait import Check, Deadline, wait_for

ADDRESS = "10.0.2.100"
REGISTRY, BY_PROXY = "registry.test:5000", "by-proxy.test:5000"
MIRROR, PROXY = f"http://{ADDRESS}:5001", f"{ADDRESS}:3128"
USER, PASSWORD, PROXY_PASSWORD = "anna", "open sesame", "never:shown"
PORTS = {"registry": 5000, "mirror": 5001, "proxy": 3128}  # at that address
START_S = 60.0


def doors(folder: Path) -> str:
    """Return the words for QEMU's network by which the guest finds a service at its door.

    Which port of this machine lies behind it stands in a file of the folder, read at each knock.
    """
    door = folder / "door"
    door.write_text(
        "#!/bin/sh\n" f'exec {shutil.which("busybox")} nc 127.0.0.1 "$(cat {folder}/$1)"\n'
    )
    door.chmod(0o755)
    rules = [f",guestfwd=tcp:{ADDRESS}:{port}-cmd:{door} {name}" for name, port in PORTS.items()]
    return "".join(rules)


class Proxy(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A proxy that wants a password, and finds the registry behind every name."""

    daemon_threads = True

    def __init__(self, registry_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.registry_port = registry_port
        self.asked: list[str] = []


class _Tunnel(http.server.BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:  # noqa: N802 - the name is http.server's
        words = f"{USER}:{PROXY_PASSWORD}".encode()
        wanted = "Basic " + base64.b64encode(words).decode()
        if self.headers.get("Proxy-Authorization") != wanted:
            self.send_error(407)
            return
        self.server.asked.append(self.path)
        with socket.create_connection(("127.0.0.1", self.server.registry_port)) as registry:
            self.send_response(200)
            self.end_headers()
            ends = [self.connection, registry]
            while True:
                for end in select.select(ends, [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[1 - ends.index(end)].sendall(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


class Company:
    """The registry's certificate, and the proxy that was asked."""

    def __init__(self, authority: Path, proxy: Proxy) -> None:
        self.authority = authority
        self.proxy = proxy


@contextlib.contextmanager
def run(folder: Path, doors_folder: Path) -> Iterator[Company]:
    """Run the services for a `with` block."""
    authority, chain, key = _certificates(folder)
    secret = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "users").write_text(f"{USER}:{secret}\n")
    storage = {"filesystem": {"rootdirectory": str(folder / "storage")}}
    with contextlib.ExitStack() as stack:
        ports = {name: _free_port() for name in ("registry", "mirror")}
        login = {"htpasswd": {"realm": "company", "path": str(folder / "users")}}
        tls = {"certificate": str(chain), "key": str(key)}
        stack.enter_context(_registry(folder, ports["registry"], storage, tls=tls, auth=login))
        stack.enter_context(_registry(folder, ports["mirror"], storage))
        proxy = stack.enter_context(_served(Proxy(ports["registry"])))
        ports["proxy"] = proxy.server_address[1]
        for name, port in ports.items():
            (doors_folder / name).write_text(str(port))
        yield Company(authority, proxy)


@contextlib.contextmanager
def _registry(
    folder: Path, port: int, storage: object, tls: object = None, auth: object = None
) -> Iterator[None]:
    settings = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": storage,
        "http": {"addr": f"127.0.0.1:{port}", "secret": "x", **({"tls": tls} if tls else {})},
        **({"auth": auth} if auth else {}),
    }
    config, log = folder / f"{port}.yml", folder / f"{port}.log"
    config.write_text(json.dumps(settings))  # JSON is YAML
    program = shutil.which("docker-registry")
    assert program, "there is no docker-registry; get it with: make deps"
    with log.open("wb") as words:
        process = subprocess.Popen([program, "serve", str(config)], stdout=words, stderr=words)
    try:
        wait_for([Check(f"a registry: {log}", lambda _: _why_silent(port))], Deadline(START_S))
        yield
    finally:
        process.kill()
        process.wait()


def _why_silent(port: int) -> str | None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return None
    except OSError as error:
        return str(error)


@contextlib.contextmanager
def _served(proxy: Proxy) -> Iterator[Proxy]:
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Make the company's authority, and the registry's certificate and key."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _named("Company of the Test")
    names = [name.partition(":")[0] for name in (REGISTRY, BY_PROXY)]
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    authority = _builder(root, root, root_key).add_extension(constraints, critical=True)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    certificate = _builder(root, _named(names[0]), key).add_extension(alternatives, critical=False)
    files = {
        "authority.pem": authority.sign(root_key, hashes.SHA256()),
        "registry.pem": certificate.sign(root_key, hashes.SHA256()),
    }
    for name, made in files.items():
        (folder / name).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "registry.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "authority.pem", folder / "registry.pem", folder / "registry.key"


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * day)
        .not_valid_after(now + 30 * day)
    )
