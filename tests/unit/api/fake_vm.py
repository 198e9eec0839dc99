"""A VM of the API whose parts are the stand-ins."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Mapping

from boot2docker_py.api import VM
from boot2docker_py.machine.parts import Parts
from boot2docker_py.machine.steps import ShowStep, show_no_step
from tests.fakes import FakeDriver, FakeEndpoint, FakeImages


class FakeParts(Parts):
    def __init__(
        self, vm: FakeVM, timeout_s: float | None, settings: Mapping[str, object] = {}
    ) -> None:
        typed = {name: str(value) for name, value in settings.items()}
        flags = {"vm": vm.name, "timeout_s": str(timeout_s or 20), **typed}
        super().__init__(flags, show_step=vm.on_step)
        self._vm = vm

    def other(self, vm_name: str) -> Parts:
        return FakeParts(FakeVM(self._vm.driver.other(vm_name), vm_name), None)

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
        super().__init__(name)
        self.on_step = on_step
        self.driver, self.endpoint = driver, FakeEndpoint()

    def _named(self, name: str) -> FakeVM:
        return FakeVM(self.driver.other(name), name)

    def _parts(self, timeout_s: float | None = None, more: Mapping[str, object] = {}) -> Parts:
        return FakeParts(self, timeout_s, more)
