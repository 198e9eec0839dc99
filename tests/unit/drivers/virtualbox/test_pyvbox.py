"""pyvbox above the stand-ins: its enumerations, its errors, and what of its inside is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Iterator

import pytest

from boot2docker_py.drivers.model import State, VMSpec
from boot2docker_py.drivers.virtualbox.binding import failures, pyvbox
from boot2docker_py.drivers.virtualbox.binding.numbers import is_alias
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from boot2docker_py.errors import HypervisorEndedError
from tests.unit.drivers.virtualbox.gate import COMError, RefusedError
from tests.unit.drivers.virtualbox.profile import VERSIONS
from tests.unit.drivers.virtualbox.server import Connection

LATER_THAN_6_1 = ("7.0", "7.1", "7.2")


EVERY = [(version, flavour) for version in VERSIONS for flavour in ("XPCOM", "COM")]


@pytest.fixture(params=EVERY, ids="-".join)
def connection(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connection]:
    """Give a VirtualBox of each version, by both bindings."""
    version, flavour = request.param
    made = Connection(version, flavour, tmp_path)
    made.replace_modules(monkeypatch)
    yield made
    assert not made.gates.misuse


def test_every_enumeration_has_the_numbers_of_the_installed_version(connection: Connection) -> None:
    import virtualbox.library

    checked = 0
    known = {
        one.__name__: getattr(connection.api.library, one.__name__)
        for one in pyvbox.enumerations(virtualbox.library)
    }
    for name, members in connection.profile.enumerations.items():
        for member, number in members.items():
            if name in known and not is_alias(member):
                found = getattr(known[name], pyvbox.attribute(member))
                assert (int(found), str(found)) == (number, member)
                assert str(known[name](number)) == member
                checked += 1
    assert checked > 150


def test_the_table_of_the_version_before_an_update_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pywin32 keeps its module for the type library, and loads the old one before the new."""
    before, after = (Connection(version, "COM", tmp_path) for version in ("7.2", "6.1"))
    before.replace_modules(monkeypatch)
    import win32com.client as client  # type: ignore[import-untyped]

    old = client.constants.__dicts__
    after.replace_modules(monkeypatch)
    sys.modules["win32com.client"].constants.__dicts__[:0] = old
    assert after.api.member("MachineState", 5) == "Running"
    assert "AbortedSaved" not in after.api.members("MachineState")


def test_members_that_the_installed_version_lacks_are_gone(connection: Connection) -> None:
    states = connection.api.library.MachineState
    is_later = connection.profile.version in LATER_THAN_6_1
    assert hasattr(states, "aborted_saved") is is_later
    assert hasattr(states, "fault_tolerant_syncing") is (connection.profile.as_tuple < (6, 1))


def test_a_property_gives_the_state_by_its_right_name(connection: Connection) -> None:
    connection.server.registered.append(connection.server.createMachine("", "vm", [], "Linux"))
    machine = connection.api.virtualbox.find_machine("vm")
    for name in ("Running", "Paused", "Aborted"):
        connection.server.registered[0].own_state = name
        assert str(machine.state) == name
    assert machine.state == connection.api.library.MachineState.aborted


def test_a_number_that_is_unknown_is_told_as_such(connection: Connection) -> None:
    connection.server.registered.append(connection.server.createMachine("", "vm", [], "Linux"))
    connection.server.registered[0].change("own_state", 4711)
    found = connection.api.virtualbox.find_machine("vm").state
    assert str(found) == "unknown(4711)"
    assert found != connection.api.library.MachineState.running


def test_an_object_that_is_not_there_is_none(connection: Connection) -> None:
    connection.server.registered.append(connection.server.createMachine("", "vm", [], "Linux"))
    machine = connection.api.virtualbox.find_machine("vm")
    assert machine.current_snapshot, "pyvbox's object for nothing is true"
    assert pyvbox.given(machine.current_snapshot) is None
    assert pyvbox.given(machine) is machine


def test_a_method_and_a_property_fail_with_the_same_error(connection: Connection) -> None:
    def refuse(call: str) -> None:
        raise RefusedError("VBOX_E_FILE_ERROR", f"{call} is not liked")

    virtualbox = connection.api.virtualbox
    connection.gates.before_call = refuse
    for name, *arguments in (("find_machine", "vm"), ("host",)):
        with pytest.raises(failures.APIError, match="refuses") as caught, failures.translated():
            getattr(virtualbox, name)(*arguments)
        assert caught.value.result_code == 0x80BB0004
        assert "is not liked (0x80bb0004)" in caught.value.details


def test_the_error_over_which_pyvbox_itself_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows it takes words out of each error; one of a server that has died has none."""
    import virtualbox.library_base as base

    class OfDeadServer:
        def ask(self) -> None:
            error: Any = COMError(0, "")
            error.hresult, error.args = 0x800706BE - (1 << 32), (0, "", None, None)
            error.excepinfo = None
            raise error

    monkeypatch.setattr(base.platform, "system", lambda: "Windows")
    with pytest.raises(HypervisorEndedError), failures.translated():
        pyvbox.call(base.Interface(OfDeadServer()), "ask", [])


def test_a_defect_of_ours_beside_an_error_of_com_stays_a_defect() -> None:
    defect = TypeError()
    defect.__context__ = COMError(0x80BB0001, "not there")
    with pytest.raises(TypeError), failures.translated():
        raise defect


def test_a_defect_is_no_refusal_of_virtualbox(connection: Connection) -> None:
    session = connection.api.new_session()
    with pytest.raises(Exception, match="name_or_id") as caught, failures.translated():
        connection.api.virtualbox.find_machine(session)
    assert failures.result_of(caught.value) is None


def test_the_manager_of_pyvbox_is_never_made(
    virtualbox: Connection, driver: VirtualBoxDriver, spec: VMSpec
) -> None:
    """It would search for the glue by itself, and close it at the end of Python, loudly."""
    import virtualbox as package

    driver.create(spec)
    driver.start()
    driver.power_off()
    driver.take_snapshot("one")
    driver.restore_snapshot("one")
    driver.describe()
    driver.delete()
    assert driver.state() is State.ABSENT
    assert not package._managers  # noqa: SLF001 - where pyvbox keeps them


def test_no_member_is_looked_for_twice(
    virtualbox: Connection,
    driver: VirtualBoxDriver,
    spec: VMSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """pyvbox sleeps 0.1 s three times before it says that there is no such member."""
    import virtualbox.library_base as base

    def refuse(_seconds: float) -> None:
        raise AssertionError("a member was asked for that is not there")

    # Its name for the module, not the module, in which other threads sleep.
    monkeypatch.setattr(base, "time", SimpleNamespace(sleep=refuse))
    driver.create(spec)
    driver.describe()
    driver.delete()


def test_what_is_touched_of_the_inside_of_pyvbox_is_there() -> None:
    import virtualbox.library
    from virtualbox.library_base import Enum, Interface, VBoxError, pythonic_name

    thing = object()
    assert pyvbox.raw(Interface(thing)) is thing
    for name in ("_call", "_get_attr", "_set_attr"):
        assert callable(getattr(Interface, name))
    assert issubclass(virtualbox.library.MachineState, Enum)
    for name in ("_enums", "_lookup_label", "_lookup_doc"):
        assert name in vars(virtualbox.library.MachineState)
    assert pythonic_name("PoweredOff") == "powered_off"
    with pytest.raises(VBoxError) as caught:
        pyvbox.call(Interface(Refusing()), "refuse", [])
    assert isinstance(caught.value.exc, RuntimeError)


class Refusing:
    def refuse(self) -> None:
        raise RuntimeError


IMPORTS_BOTH = """
from boot2docker_py.drivers.virtualbox.binding import pyvbox
ours = pyvbox.Library(lambda _name: {})
import virtualbox
assert virtualbox.VirtualBox and virtualbox.library.IMachine
assert ours.MachineState(5) == virtualbox.library.MachineState.running
"""


def test_the_package_of_pyvbox_is_whole_for_who_imports_it_too() -> None:
    subprocess.run([sys.executable, "-c", IMPORTS_BOTH], check=True)
