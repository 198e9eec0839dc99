"""Questions to the forwarder from programs that are not ours: none silences it."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from boot2docker_py.endpoint import control


def answer(question: str) -> dict[str, Any]:
    return {"asked": question}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with control.serving(tmp_path / "forward.ctl", answer):
        yield tmp_path / "forward.ctl"


def ask(path: Path, question: str = "status") -> dict[str, Any] | None:
    peer = control.find(path)
    assert peer is not None
    with peer:
        return peer.ask(question)


@pytest.mark.parametrize(
    "question",
    [
        b"[" * 200_000 + b"\n",
        b"[" * 4000 + b"\n",
        b'{"ask":' * 500 + b"\n",
        b"9" * 4000 + b"\n",
        b"\xff\n",
        b"[]\n",
        b"null\n",
        b"{}\n",
        b'{"ask": []}\n',
        b"\n",
        b"",
    ],
)
def test_odd_questions_to_the_forwarder_do_not_end_it(path: Path, question: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        with contextlib.suppress(OSError):
            client.sendall(question)
    assert ask(path) == {"asked": "status"}


@pytest.mark.parametrize("kind", [RuntimeError, KeyError, TypeError, ValueError, OSError])
def test_defect_in_one_answer_is_logged_and_the_next_question_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: type[Exception]
) -> None:
    """A forwarder that answers no more cannot be asked to stop: it is killed, with its clients."""

    def answer_status(question: str) -> dict[str, Any]:
        if question != "status":
            raise kind("can't start new thread")
        return {"asked": question}

    path = tmp_path / "forward.ctl"
    with control.serving(path, answer_status), caplog.at_level(logging.WARNING):
        assert ask(path, "wake") is None
        assert ask(path) == {"asked": "status"}
    assert "can't start new thread" in caplog.text


def test_slow_questions_to_the_forwarder_have_one_deadline(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"{")
        end = time.monotonic() + control.ANSWER_WITHIN_S + 20
        while _takes_a_byte(client):
            assert time.monotonic() < end, "it waits for as long as somebody sends"
            time.sleep(0.2)
    assert ask(path) == {"asked": "status"}


def _takes_a_byte(client: socket.socket) -> bool:
    try:
        return client.send(b" ") == 1
    except OSError:
        return False
