"""Waiting: by deadline, in order, with the last reason."""

from __future__ import annotations

import pytest

from boot2docker_py.errors import DeadlineError
from boot2docker_py.wait import Check, Deadline, Pauses, Progress, wait_for
from tests.fakes import FakeClock


def true_after(polls: int) -> Check:
    answers = ["not yet"] * polls

    def probe(_deadline: Deadline) -> str | None:
        return answers.pop() if answers else None

    return Check(f"{polls} polls", probe, "try harder")


def test_checks_become_true_in_order() -> None:
    seen: list[Progress] = []
    wait_for([true_after(2), true_after(0)], Deadline(60, FakeClock()), report=seen.append)
    done = [progress.what for progress in seen if progress.is_done]
    assert done == ["2 polls", "0 polls"]
    assert [progress.reason for progress in seen] == ["", "not yet", "not yet", "", "", ""]


def test_deadline_names_what_was_missing_and_why() -> None:
    clock = FakeClock()
    began = clock.monotonic()
    with pytest.raises(DeadlineError) as caught:
        wait_for([true_after(10**6)], Deadline(3, clock))
    assert "waiting for 1000000 polls" in caught.value.brief
    assert caught.value.details == "not yet"
    assert caught.value.resolution == "try harder"
    assert 3 <= clock.monotonic() - began < 3.2


def test_all_checks_share_one_deadline() -> None:
    clock = FakeClock()
    with pytest.raises(DeadlineError):
        wait_for([true_after(15), true_after(15)], Deadline(2, clock), pause_s=0.1)
    assert clock.monotonic() < 1000 + 2.2


def test_a_check_that_is_true_is_not_refused_for_the_time() -> None:
    """What is there is there, even when the deadline has passed."""
    clock = FakeClock()
    deadline = Deadline(1, clock)
    clock.sleep(5)
    wait_for([true_after(0)], deadline)


def test_an_exception_from_a_probe_ends_the_wait() -> None:
    def probe(_deadline: Deadline) -> str | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wait_for([Check("a division", probe)], Deadline(60, FakeClock()))


def test_remaining_is_never_negative_and_bounded() -> None:
    clock = FakeClock()
    deadline = Deadline(10, clock)
    assert deadline.remaining_s(3) == 3
    clock.sleep(20)
    assert deadline.remaining_s() == 0
    assert deadline.has_passed()


def test_pauses_grow_up_to_the_longest_and_begin_anew_after_progress() -> None:
    pauses = Pauses(0.5, 3.0)
    assert [pauses.next() for _try in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    pauses.reset()
    assert pauses.next() == 0.5
