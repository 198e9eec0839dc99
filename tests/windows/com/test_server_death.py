"""VirtualBox's server that ends in the middle, as COM and pyvbox report it on Windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.binding.api import connect
from boot2docker_py.errors import HypervisorEndedError
from tests.windows.com.serving import VERSION, WHY_NOT, serving

pytestmark = pytest.mark.skipif(not VERSION, reason=WHY_NOT)


def test_a_server_that_was_killed_is_said_to_have_ended(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        api = connect()
        assert api.virtualbox.machines == []
        server.kill()
        server.wait()
        virtualbox = api.virtualbox
        with pytest.raises(HypervisorEndedError), failures.translated():
            virtualbox.find_machine("vm")
        with pytest.raises(HypervisorEndedError), failures.translated():
            virtualbox.host  # noqa: B018 - a property asks
