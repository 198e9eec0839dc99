"""A VM of the API whose parts are the stand-ins."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any, Mapping

from boot2docker_py import config as configuration
from boot2docker_py.api import VM
from boot2docker_py.machine.parts import Parts
from boot2docker_py.machine.steps import ShowStep, show_no_step
from boot2docker_py.paths import find
from tests.fakes import FakeDriver, FakeEndpoint, FakeImages


class FakeParts(Parts):
    def __init__(
        self, vm: FakeVM, timeout_s: float | None, settings: Mapping[str, object] = {}
    ) -> None:
        super().__init__()
        self._vm = vm
        self.on_step = vm._on_step  # noqa: SLF001 - as the API itself does
        typed = {name: str(value) for name, value in settings.items()}
        self.flags = {"vm": vm.name, "timeout_s": str(timeout_s or 20), **typed}

    def other(self, vm_name: str) -> Parts:
        return FakeParts(FakeVM(self._vm.driver.other(vm_name), vm_name), None)

    @cached_property
    def config(self) -> Any:
        return configuration.load(find(os.environ), os.environ, self.flags)

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
    def __init__(
        self, driver: FakeDriver, name: str = "ci", on_step: ShowStep = show_no_step
    ) -> None:
        super().__init__(name, on_step=on_step)
        self.driver, self.endpoint = driver, FakeEndpoint()

    def _named(self, name: str) -> FakeVM:
        return FakeVM(self.driver.other(name), name)

    def _parts(self, timeout_s: float | None = None, more: Mapping[str, object] = {}) -> Parts:
        return FakeParts(self, timeout_s, more)
