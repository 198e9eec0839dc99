"""An engine behind a pipe of Windows, asked by programs there."""

from __future__ import annotations

from tests.windows.whole.conftest import PYTHON, Windows

# Asks an engine at a pipe as docker does; nothing of ours is in it.
_ASK = r"""
import sys
pipe, path = sys.argv[1:]
with open(pipe, "r+b", buffering=0) as engine:
    engine.write(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
    answer = b""
    while True:
        try:
            data = engine.read(65536)
        except OSError:
            break
        if not data:
            break
        answer += data
print(answer.decode("utf-8", "replace"))
"""

# The image is loaded and saved: tar archives of megabytes, both ways.
_CARRY = r"""
import hashlib, io, os, sys, tarfile
from boot2docker_py.host import named_pipe
data = os.urandom(5_000_000)
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as tar:
    info = tarfile.TarInfo("data"); info.size = len(data); tar.addfile(info, io.BytesIO(data))
body = layer.getvalue()
def ask(head, body=b""):
    with named_pipe.connect(sys.argv[1], 60) as pipe:
        pipe.sendall(head.encode() + b"\r\nHost: d\r\nConnection: close\r\n"
                     + f"Content-Length: {len(body)}\r\n\r\n".encode())
        for at in range(0, len(body), 100_000):
            pipe.sendall(body[at:at + 100_000])
        return b"".join(iter(lambda: pipe.recv(1 << 20), b""))
answer = ask("POST /images/create?fromSrc=-&repo=stream&tag=x HTTP/1.0", body)
assert b" 200 " in answer.split(b"\r\n")[0], answer[:500]
saved = ask("GET /images/stream:x/get HTTP/1.0")
archive = io.BytesIO(saved.split(b"\r\n\r\n", 1)[1])
with tarfile.open(fileobj=archive) as tar:
    found = [tar.extractfile(m).read() for m in tar if m.size > len(data)]
with tarfile.open(fileobj=io.BytesIO(found[0])) as tar:
    back = tar.extractfile("data").read()
print(hashlib.sha256(back).hexdigest() == hashlib.sha256(data).hexdigest(), len(back))
"""


def ask(windows: Windows, pipe: str, path: str = "/_ping") -> str:
    """Return the whole answer."""
    return windows.python(_ASK, pipe, path)


def carries_a_stream(windows: Windows, pipe: str, python: str = PYTHON) -> bool:
    """Tell whether 5 MB come back byte by byte; `python` has our package."""
    return windows.python(_CARRY, pipe, python=python) == "True 5000000\n"
