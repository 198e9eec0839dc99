"""pyvbox on the real VirtualBox: the numbers of its enumerations, and the end of Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from boot2docker_py.drivers.model import VMSpec
from boot2docker_py.drivers.virtualbox.binding import numbers, pyvbox
from boot2docker_py.drivers.virtualbox.binding.api import API
from boot2docker_py.drivers.virtualbox.driver import VirtualBoxDriver
from tests.virtualbox.test_driver import api, driver, paths, spec  # noqa: F401 - fixtures

# As docs/decisions/pyvbox.md has them; read before anything is corrected.
TABLES = """
import json, virtualbox.library as library
from boot2docker_py.drivers.virtualbox.binding import pyvbox
found = {one.__name__: {label: number for label, number, _ in one._enums}
    for one in pyvbox.enumerations(library)}
print(json.dumps(found))
"""
MOVED = {
    *("MachineState", "AudioDriverType", "NetworkAdapterType", "RecordingAudioCodec"),
    *("RecordingVideoCodec", "VMExecutionEngine", "VBoxEventType"),
}
USES_PYVBOX = """
from boot2docker_py.drivers.virtualbox.binding.api import connect
api = connect()
machines = api.virtualbox.machines
session, states = api.new_session(), [str(one.state) for one in machines]
print(sorted(one.name for one in machines))
"""


def test_the_numbers_are_those_of_the_installed_version(api: API) -> None:  # noqa: F811
    import virtualbox.library

    for one in pyvbox.enumerations(virtualbox.library):
        enumeration = getattr(api.library, one.__name__)
        members = numbers.members_by_xpcom(enumeration.__name__)
        for name, number in members.items():
            assert str(enumeration(number)) == name
            assert getattr(enumeration, pyvbox.attribute(name)) == number
    assert str(api.library.MachineState(6)) == "Running"


def test_what_the_numbers_of_6_1_would_get_wrong_is_written_down(api: API) -> None:  # noqa: F811
    told = subprocess.run([sys.executable, "-c", TABLES], stdout=-1, check=True)
    wrong = set()
    for name, table in json.loads(told.stdout).items():
        label_of = {number: label for label, number in table.items() if not numbers.is_alias(label)}
        for label, number in api.members(name).items():
            if label_of.get(number, label) != label:
                wrong.add(name)
    assert wrong == MOVED
    page = Path(__file__).parents[2] / "docs" / "decisions" / "pyvbox.md"
    text = page.read_text(encoding="utf-8")
    assert all(name in text for name in wrong)


def test_the_end_of_python_is_silent(driver: VirtualBoxDriver, spec: VMSpec) -> None:  # noqa: F811
    driver.create(spec)
    ended = subprocess.run(
        [sys.executable, "-c", USES_PYVBOX], capture_output=True, text=True, check=False
    )
    assert driver.describe().name in ended.stdout
    assert (ended.returncode, ended.stderr) == (0, "")
