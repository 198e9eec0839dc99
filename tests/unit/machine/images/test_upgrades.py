"""A VM that changes its image, or stays with the one it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.many import Listed
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import (
    DeadlineError,
    GuestError,
    NotFoundError,
    StorageError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.image import ImageRequest, Images
from boot2docker_py.image.kept import folder_of
from boot2docker_py.machine.images.upgrades import Upgrades
from boot2docker_py.paths import Paths
from tests.fakes import FakeImage, a_spec
from tests.unit.image.iso_bytes import make_iso
from tests.unit.machine import test_machine
from tests.unit.machine.test_machine import paths

__all__ = ["paths"]

OLD, NEW, OTHER = "26.1.5-20261101", "26.1.5-20261115", "27.0.1-20270101"


class House(test_machine.House):
    """A VM whose image is exchanged, with fakes below it."""

    def __init__(self, paths: Paths, state: State = State.ABSENT, **flags: object) -> None:
        super().__init__(paths, state, **flags)
        self.others: list[Listed] = []
        questions = self.machine.questions
        self.upgrades = Upgrades(
            *(self.config, questions, lambda: self.endpoint, self.images, self.paths)
        ).among(lambda: self.others)


class WithImages(House):
    """The same on real images: OLD in place, NEW at the source."""

    def __init__(self, paths: Paths, state: State = State.OFF, **flags: object) -> None:
        super().__init__(paths, state, **flags)
        iso = self.config.iso
        iso.parent.mkdir(parents=True, exist_ok=True)
        iso.write_bytes(make_iso(OLD))
        self.source = iso.with_name("source.iso")
        self.source.write_bytes(make_iso(NEW))
        self.driver.spec = a_spec(iso)
        questions = self.machine.questions
        self.real = Images(ImageRequest(url=str(self.source), destination=iso))
        self.upgrades = Upgrades(
            *(self.config, questions, lambda: self.endpoint, self.real, self.paths)
        ).among(lambda: self.others)

    @property
    def in_place(self) -> str:
        return self.real.offer(self.deadline()).present.version  # type: ignore[union-attr]

    @property
    def booted(self) -> str:
        """Return the version of the image that the VM booted last."""
        assert self.driver.spec is not None
        data = self.driver.spec.iso.read_bytes()
        return next(v for v in (OLD, NEW, OTHER) if data == make_iso(v))


def test_a_vm_that_boots_another_image_is_not_said_to_be_upgraded(
    paths: Paths, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(paths, State.OFF, iso=str(tmp_path / "mine.iso"))
    house.images.newer = FakeImage("2.0.0")
    house.upgrades.upgrade(house.deadline())
    assert "boots 'boot2docker.iso', not" in caplog.text
    assert "mine.iso" in caplog.text


class TestUpgrade:
    def test_current_image_changes_nothing(self, paths: Paths) -> None:
        house = House(paths, State.RUNNING)
        upgraded = house.upgrades.upgrade(house.deadline())
        assert (upgraded.before, upgraded.after) == (None, None)
        assert house.driver.boots == 0

    def test_running_vm_runs_on_the_new_image(self, paths: Paths) -> None:
        house = House(paths, State.RUNNING)
        house.images.newer = FakeImage("2.0.0")
        upgraded = house.upgrades.upgrade(house.deadline())
        assert (upgraded.before, upgraded.after) == ("1.0.0", "2.0.0")
        assert upgraded.was_restarted
        assert house.images.staged is not None
        assert house.images.staged.outcome == "swapped in"
        assert house.driver.memory == "boot 1"

    def test_vm_that_is_off_stays_off(self, paths: Paths) -> None:
        house = House(paths, State.OFF)
        house.images.newer = FakeImage("2.0.0")
        assert not house.upgrades.upgrade(house.deadline()).was_restarted
        assert house.images.present.version == "2.0.0"
        assert house.driver.peek() is State.OFF

    def test_goes_back_when_the_engine_does_not_answer(self, paths: Paths) -> None:
        house = House(paths, State.RUNNING)
        house.images.newer = FakeImage("2.0.0")
        house.endpoint.unready = (  # type: ignore[method-assign] # the guest, not our code
            lambda: "no answer yet" if house.images.present.version == "2.0.0" else None
        )
        with pytest.raises(GuestError, match="it runs on the old one again"):
            house.upgrades.upgrade(house.deadline())
        assert house.images.present.version == "1.0.0"
        assert house.driver.peek() is State.RUNNING

    def test_vm_that_does_not_shut_down_keeps_its_image(self, paths: Paths) -> None:
        house = House(paths, State.RUNNING)
        house.images.newer = FakeImage("2.0.0")
        house.driver.hears_power_button = False
        with pytest.raises(DeadlineError):
            house.upgrades.upgrade(house.deadline())
        assert house.images.present.version == "1.0.0"
        assert house.driver.peek() is State.RUNNING


def test_a_missing_share_changes_nothing(paths: Paths, tmp_path: Path) -> None:
    house = WithImages(paths, State.RUNNING, vbox_share=(f"{tmp_path / 'gone'}=gone",))
    house.driver.features = house.driver.features._replace(has_shared_folders=True)
    with pytest.raises(UsageError, match="gone"):
        house.upgrades.upgrade(house.deadline())
    assert (house.driver.peek(), house.in_place) == (State.RUNNING, OLD)


def named(name: str, house: House, state: State | None, **facts: object) -> Listed:
    images = (house.config.iso,)
    return Listed(name, "qemu", state, 0, images=images)._replace(**facts)  # type: ignore[arg-type]


class TestOthers:
    """VMs that boot the same image."""

    @pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.SAVED])
    def test_a_vm_that_lives_on_the_image_is_not_robbed_of_it(
        self, paths: Paths, state: State
    ) -> None:
        house = WithImages(paths)
        house.others = [named("other", house, state)]
        with pytest.raises(WrongStateError) as caught:
            house.upgrades.upgrade(house.deadline())
        assert f"VM 'other' is {state.value} on it" in caught.value.details
        assert house.in_place == OLD

    @pytest.mark.parametrize("state", [State.OFF, State.ABORTED, State.BROKEN])
    def test_a_vm_that_is_off_boots_the_new_image(self, paths: Paths, state: State) -> None:
        house = WithImages(paths)
        house.others = [named("other", house, state)]
        house.upgrades.upgrade(house.deadline())
        assert house.in_place == NEW

    def test_a_vm_with_an_image_of_its_own_does_not_care(self, paths: Paths) -> None:
        house = WithImages(paths)
        house.others = [named("other", house, State.RUNNING, images=(house.source,))]
        house.upgrades.upgrade(house.deadline())
        assert house.in_place == NEW

    def test_a_vm_that_cannot_be_asked_may_need_it(self, paths: Paths) -> None:
        house = WithImages(paths)
        house.others = [named("other", house, None, images=None, problem="no answer")]
        with pytest.raises(WrongStateError, match="cannot be replaced") as caught:
            house.upgrades.upgrade(house.deadline())
        assert "no answer" in caught.value.details

    def test_the_memory_of_a_snapshot_keeps_its_image(self, paths: Paths) -> None:
        house = WithImages(paths)
        memory = (house.config.iso,)
        own = named(house.config.vm, house, State.OFF, driver="fake", images_of_memory=memory)
        house.others = [own]
        with pytest.raises(WrongStateError) as caught:
            house.upgrades.upgrade(house.deadline())
        assert "snapshots whose memory needs it" in caught.value.details
        assert house.in_place == OLD

    def test_nobody_is_asked_when_the_image_is_current(self, paths: Paths) -> None:
        house = WithImages(paths)
        house.source.write_bytes(make_iso(OLD))
        house.others = [named("other", house, State.RUNNING)]
        assert house.upgrades.upgrade(house.deadline()).after is None


class TestRollback:
    def test_it_goes_back_and_forth(self, paths: Paths) -> None:
        house = WithImages(paths, State.RUNNING)
        house.upgrades.upgrade(house.deadline())
        for expected in (OLD, NEW, OLD):
            done = house.upgrades.roll_back(house.deadline())
            assert (done.after, done.was_restarted) == (expected, True)
            assert (house.in_place, house.booted) == (expected, expected)

    def test_there_is_none_before_an_upgrade(self, paths: Paths) -> None:
        house = WithImages(paths)
        with pytest.raises(NotFoundError, match="no image is kept"):
            house.upgrades.roll_back(house.deadline())

    def test_an_older_version_is_taken_by_its_name(self, paths: Paths) -> None:
        house = WithImages(paths)
        house.upgrades.upgrade(house.deadline())
        assert house.upgrades.upgrade(house.deadline(), version=OLD).after == OLD
        assert house.in_place == OLD

    def test_a_version_that_nobody_has_is_not_found(self, paths: Paths) -> None:
        house = WithImages(paths)
        with pytest.raises(NotFoundError, match="no image 99") as caught:
            house.upgrades.upgrade(house.deadline(), version="99")
        assert NEW in caught.value.details
        assert house.in_place == OLD
        assert not house.config.iso.with_name("boot2docker.iso.new").exists()


class TestPin:
    def pinned(self, paths: Paths, state: State = State.OFF) -> WithImages:
        house = WithImages(paths, state)
        assert house.upgrades.pin(house.deadline()).version == OLD
        return house

    def test_it_is_not_upgraded(self, paths: Paths) -> None:
        house = self.pinned(paths)
        for change in (house.upgrades.upgrade, house.upgrades.roll_back):
            with pytest.raises(WrongStateError, match=f"pinned to the image {OLD}") as caught:
                change(house.deadline())
            assert "--unpin" in caught.value.resolution

    def test_it_boots_its_own_when_another_vm_has_changed_the_usual_one(self, paths: Paths) -> None:
        house = self.pinned(paths)
        other = WithImages(paths, State.OFF, vm="other")
        other.upgrades.upgrade(house.deadline())
        house.machine.up(house.deadline())
        assert (house.in_place, house.booted) == (NEW, OLD)

    def test_a_running_vm_stays_on_what_it_runs(self, paths: Paths) -> None:
        house = WithImages(paths, State.RUNNING)
        pinned = house.upgrades.pin(house.deadline())
        assert (pinned.version, pinned.at_next_boot) == (OLD, False)
        assert house.driver.boots == 0

    def test_another_version_counts_from_the_next_boot(self, paths: Paths) -> None:
        house = WithImages(paths, State.RUNNING)
        pinned = house.upgrades.pin(house.deadline(), version=NEW)
        assert (pinned.version, pinned.at_next_boot) == (NEW, True)
        assert (house.in_place, house.booted) == (OLD, OLD)
        house.machine.restart(house.deadline())
        assert (house.in_place, house.booted) == (OLD, NEW)
        assert not house.config.iso.with_name("boot2docker.iso.new").exists()

    def test_without_it_the_usual_image_is_booted_again(self, paths: Paths) -> None:
        house = self.pinned(paths)
        house.machine.up(house.deadline())
        assert house.driver.spec is not None
        assert house.driver.spec.iso.parent == folder_of(house.config.iso)
        assert house.upgrades.unpin(house.deadline()) == OLD
        assert house.upgrades.unpin(house.deadline()) is None
        house.machine.restart(house.deadline())
        assert house.driver.spec.iso == house.config.iso

    def test_a_saved_vm_is_restored_on_what_it_had(self, paths: Paths) -> None:
        house = WithImages(paths, State.SAVED)
        house.upgrades.pin(house.deadline(), version=NEW)
        house.machine.up(house.deadline())
        assert house.driver.told.iso is None

    def test_an_image_that_is_gone_is_named_and_nothing_is_started(self, paths: Paths) -> None:
        house = self.pinned(paths)
        for image in house.real.kept.all():
            image.path.unlink()
        with pytest.raises(NotFoundError, match="is gone") as caught:
            house.machine.up(house.deadline())
        assert "--unpin" in caught.value.resolution
        assert house.driver.peek() is State.OFF

    @pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"path": 1}', b"[" * 100_000])
    def test_a_pin_that_cannot_be_read_is_no_pin_to_something_else(
        self, paths: Paths, damage: bytes
    ) -> None:
        house = self.pinned(paths)
        house.paths.pin.write_bytes(damage)
        with pytest.raises(StorageError, match="pinned to is not known"):
            house.machine.up(house.deadline())
        house.upgrades.unpin(house.deadline())
        house.machine.up(house.deadline())

    def test_it_goes_with_the_vm(self, paths: Paths) -> None:
        house = self.pinned(paths)
        house.machine.delete(house.deadline())
        assert not house.paths.folder.exists()

    def test_there_is_none_of_an_absent_vm(self, paths: Paths) -> None:
        house = WithImages(paths, State.ABSENT)
        with pytest.raises(NotFoundError):
            house.upgrades.pin(house.deadline())
