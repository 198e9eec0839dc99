"""A VM of the API whose parts are the stand-ins."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from boot2docker_py import config as configuration
from boot2docker_py.api import VM
from boot2docker_py.machine.parts import Parts
from boot2docker_py.paths import find
from tests.fakes import FakeDriver, FakeEndpoint, FakeImages


class FakeParts(Parts):
    def __init__(self, vm: FakeVM, timeout_s: float | None) -> None:
        super().__init__()
        self._vm = vm
        self._wanted_s = timeout_s

    @cached_property
    def config(self) -> Any:
        flags = {"vm": self._vm.name, "timeout_s": str(self._wanted_s or 20)}
        return configuration.load(find(os.environ), os.environ, flags)

    @cached_property
    def driver(self) -> Any:
        return self._vm.driver

    @cached_property
    def endpoint(self) -> Any:
        return self._vm.endpoint

    @cached_property
    def images(self) -> Any:
        return FakeImages()


class FakeVM(VM):
    def __init__(self, driver: FakeDriver, name: str = "ci") -> None:
        super().__init__(name)
        self.driver, self.endpoint = driver, FakeEndpoint()

    def _parts(self, timeout_s: float | None = None) -> Parts:
        return FakeParts(self, timeout_s)
