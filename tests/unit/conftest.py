"""What every unit test must leave behind: nothing that takes the next test's clients."""

from __future__ import annotations

from typing import Iterator

import pytest

from tests.unit.listening import assert_no_thread_is_left_in_accept


@pytest.fixture(autouse=True)
def _no_thread_is_left_in_accept() -> Iterator[None]:
    yield
    assert_no_thread_is_left_in_accept()
