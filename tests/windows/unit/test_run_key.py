"""Start at login, in a real registry."""

from __future__ import annotations

from boot2docker_py.host.autostart.entry import Job, Kept
from boot2docker_py.host.autostart.run_key import RunKey


def test_on_and_off_in_the_registry() -> None:
    entry = RunKey("käpt'n & 100% ^!")
    try:
        for saves in (False, True, True):
            entry.write(Job(entry.vm_name, saves))
            assert entry.kept({}) == (Kept.ON, saves)
        entry.write(Job(entry.vm_name, saves_at_logoff=True, python="C:\\old\\python.exe"))
        assert entry.kept({}) == (Kept.STALE, False)
    finally:
        assert entry.remove()
    assert (entry.kept({}), entry.remove()) == ((Kept.OFF, False), False)
