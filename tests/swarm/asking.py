"""Requests at a port of localhost, one after the other at a fixed pace, and what became of them."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
import urllib.request
from collections import Counter
from typing import NamedTuple

EVERY_S = 0.05
GIVE_UP_S = 10.0


class Asked(NamedTuple):
    """One request."""

    sent_s: float
    took_s: float
    problem: str  # empty: it was answered


class Asking:
    """Ask in a `with` block; each request has a thread, so that a slow one delays none."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/"
        self._is_over = threading.Event()
        self._requests: list[threading.Thread] = []
        self._asked: list[Asked] = []
        self._pace = threading.Thread(target=self._keep_pace, daemon=True)

    def __enter__(self) -> Asking:
        self._pace.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._is_over.set()
        self._pace.join()
        for request in self._requests:
            request.join()

    def in_words(self) -> str:
        """Return how many were lost, over how long, and how long an answer took."""
        asked = sorted(self._asked)
        lost = [one for one in asked if one.problem]
        slowest_s = max((one.took_s for one in asked if not one.problem), default=0.0)
        words = f"{len(asked)} requests, {len(lost)} lost"
        if lost:
            kinds = Counter(one.problem for one in lost)
            words += f" within {lost[-1].sent_s - lost[0].sent_s:.1f} s ({dict(kinds)})"
        return f"{words}; the slowest answer took {slowest_s:.1f} s"

    def _keep_pace(self) -> None:
        while not self._is_over.wait(EVERY_S):
            self._requests.append(threading.Thread(target=self._ask, daemon=True))
            self._requests[-1].start()

    def _ask(self) -> None:
        sent_s, problem = time.monotonic(), ""
        try:
            with contextlib.closing(urllib.request.urlopen(self._url, timeout=GIVE_UP_S)) as answer:
                answer.read()
        except OSError as error:
            reason = getattr(error, "reason", error)
            problem = type(reason).__name__
        except http.client.HTTPException as error:
            problem = type(error).__name__
        self._asked.append(Asked(sent_s, time.monotonic() - sent_s, problem))
