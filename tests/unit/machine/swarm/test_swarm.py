"""A swarm of VMs: made, added to, taken apart, from whatever there is of it."""

from __future__ import annotations

import contextlib
import types
from typing import Any, Callable, Iterator

import pytest

from boot2docker_py import lock
from boot2docker_py.drivers import host
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import (
    BusyError,
    DeadlineError,
    GuestError,
    NotFoundError,
    UsageError,
    WrongStateError,
)
from boot2docker_py.image import Image
from boot2docker_py.machine.images import pins
from boot2docker_py.machine.swarm import Swarm, Wishes, differences, joining, members
from boot2docker_py.machine.swarm.admission import MOST_TRIES, Admission
from boot2docker_py.machine.swarm.wishes import demand_memory, in_order, node_names
from boot2docker_py.paths import find
from boot2docker_py.wait import Deadline, silent
from tests.fakes import FakeClock, FakeDriver, a_spec
from tests.unit.machine.swarm.cluster import Cluster, FakeEngine


class KilledError(BaseException):
    """The process has ended."""


class World:
    """A machine with VMs and their engines; VMs are made and started without a machine's steps."""

    def __init__(self, tmp_path: Any) -> None:
        self.home = tmp_path
        self.iso = tmp_path / "boot2docker.iso"
        self.vms: dict[str, FakeDriver] = {}
        self.cluster = Cluster()
        self.network = "demo"
        self.nat_network = "10.0.2.0/24"
        self.deadline = Deadline(1000, FakeClock())
        self.hosts: dict[str, str] = {}
        self.woken: list[str] = []  # VMs whose forwarders were
        self.refusing = ("", "")  # a VM, and the part of it that refuses whatever it is asked
        self.steps, self.fatal = 0, 0  # changes so far, and which of them kills; 0: none
        self.cluster.before_change = self.step
        self.memory_mb = 256
        self.swarm = self.swarm_named("demo")

    def step(self) -> None:
        """Count a change; a command that is killed makes none any more."""
        self.steps += 1
        if self.fatal and self.steps >= self.fatal:
            raise KilledError

    def swarm_named(self, name: str) -> Swarm:
        return Swarm(name, lambda: [n for n in self.vms if self.is_there(n)], self.parts)

    def is_there(self, name: str) -> bool:
        return self.vms[name].peek() is not State.ABSENT

    def parts(self, name: str) -> Any:
        driver = self.vms.get(name) or FakeDriver(name=name, house=self.vms)
        engine = self.cluster.engine(name)
        machine = FakeMachine(self, driver, engine)
        made = types.SimpleNamespace(
            driver=driver,
            paths=find({"BOOT2DOCKER_DIR": str(self.home)}),
            machine=machine,
            config=types.SimpleNamespace(memory_mb=self.memory_mb),
            endpoint=types.SimpleNamespace(
                open_engine=engine.open, wake=lambda: self.woken.append(name)
            ),
            questions=types.SimpleNamespace(running_address=lambda: name),
            access=types.SimpleNamespace(settle=lambda: None, connect=self._connect),
        )
        refusing, part = self.refusing
        if name == refusing:
            setattr(made, part, Refusing())
        return made

    def _connect(self, address: str, _deadline: Deadline) -> Any:
        self.step()
        return HostsFile(self.hosts, address)

    def roles(self) -> dict[str, str]:
        nodes = self.cluster.nodes(self.cluster.swarms)
        return {one.name: one.role for one in nodes}


class Refusing:
    """A part of a VM that advises as those of one VM do."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        def refuse(*_words: object, **_named: object) -> None:
            raise GuestError("no", resolution="boot2docker up")

        return refuse


class HostsFile:
    """A connection to a guest, which takes the names that it is given."""

    def __init__(self, hosts: dict[str, str], name: str) -> None:
        self._hosts, self._name = hosts, name

    def __enter__(self) -> HostsFile:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def run(self, command: list[str], *, timeout_s: float) -> Any:
        if command[0] == "docker":  # which has no image
            return types.SimpleNamespace(status=1, stdout=b"", stderr=b"")
        self._hosts[self._name] = command[-1]
        return types.SimpleNamespace(status=0, stderr=b"")


class FakeMachine:
    """The life of one VM, in no time."""

    def __init__(self, world: World, driver: FakeDriver, engine: FakeEngine) -> None:
        self._world, self._driver, self._engine = world, driver, engine

    def init(self, _deadline: Deadline) -> bool:
        from boot2docker_py.drivers.model import InternalNetwork

        self._world.step()
        number = 1 + max([0, *self._driver.numbers_on(self._world.network)])
        network = InternalNetwork(self._world.network, number)
        spec = a_spec(self._world.iso)._replace(
            internal_network=network, nat_network=self._world.nat_network
        )
        self._driver.create(spec)
        return True

    def up(self, _deadline: Deadline) -> State:
        self._world.step()
        found = self._driver.state()
        if found is State.BROKEN:  # as `Questions.refuse_broken` says it
            raise WrongStateError("it is broken", resolution="Repair it, or: boot2docker delete")
        self._driver.start()
        self._engine.is_on = True
        self._engine.clock_skew_s = 0.0  # as `Machine.up` and `Access.settle` leave it
        return found

    def down(self, _deadline: Deadline, *, force: bool = False) -> None:
        self._world.step()
        self._driver.power_off()
        self._engine.is_on = False

    def save(self, _deadline: Deadline) -> None:
        self._world.step()
        self._driver.save()
        self._engine.is_on = False

    def delete(self, _deadline: Deadline) -> bool:
        self._world.step()
        self._driver.power_off()
        self._driver.delete()
        self._engine.is_on = False
        return True

    def snapshots(self) -> Any:
        return self._driver.snapshots()

    def take_snapshot(self, name: str, _deadline: Deadline) -> None:
        self._world.step()
        self._driver.take_snapshot(name)

    def delete_snapshot(self, name: str, _deadline: Deadline) -> None:
        self._world.step()
        self._driver.delete_snapshot(name)

    def reset_to(self, name: str, deadline: Deadline) -> None:
        self._world.step()
        self._driver.power_off()
        self._driver.restore_snapshot(name)
        self.up(deadline)


@pytest.fixture
def world(tmp_path: Any) -> World:
    return World(tmp_path)


def lose(world: World, name: str) -> FakeEngine:
    """Delete a VM by hand; return what its engine was, which managers go on to know."""
    lost = world.cluster.engines.pop(name)
    lost.is_on = False
    world.cluster.engines[f"lost {name}"] = lost
    world.cluster.engines[name] = AnotherID(world.cluster, name)
    world.vms.pop(name)
    return lost


class TestCreate:
    def test_three_nodes_become_one_swarm_with_one_manager(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        assert world.roles() == {"demo-1": "manager", "demo-2": "worker", "demo-3": "worker"}
        addresses = [row.address for row in world.swarm.rows(world.deadline)]
        assert addresses == ["192.168.60.1", "192.168.60.2", "192.168.60.3"]

    @pytest.mark.parametrize(
        ("nat_network", "pool"),
        [
            ("10.0.2.0/24", "10.128.0.0/9"),
            ("10.200.7.0/24", "10.0.0.0/9"),
            ("192.168.7.0/24", "10.128.0.0/9"),
        ],
    )
    def test_overlay_networks_are_never_where_vms_have_this_machine(
        self, world: World, nat_network: str, pool: str
    ) -> None:
        world.nat_network = nat_network
        world.swarm.create(Wishes(2, 1), world.deadline)
        assert world.cluster.pools == [pool]

    def test_as_many_are_managers_as_was_asked_for(self, world: World) -> None:
        world.swarm.create(Wishes(4, 3), world.deadline)
        assert sorted(world.roles().values()) == ["manager"] * 3 + ["worker"]

    def test_one_that_was_killed_is_finished_when_typed_again(self, world: World) -> None:
        world.parts("demo-2").machine.init(world.deadline)
        world.parts("demo-2").machine.up(world.deadline)
        world.cluster.engine("demo-2").says["/swarm/join"] = (500, {"message": "killed"})
        with pytest.raises(GuestError, match="refuses"):
            world.swarm.create(Wishes(3, 1), world.deadline)
        world.cluster.engine("demo-2").says.clear()
        world.swarm.create(Wishes(3, 1), world.deadline)
        assert set(world.roles()) == {"demo-1", "demo-2", "demo-3"}
        assert world.cluster.swarms == 1

    def test_an_engine_that_joins_slowly_is_waited_for(self, world: World) -> None:
        world.cluster.engine("demo-2").is_slow_for = 3
        world.swarm.create(Wishes(3, 1), world.deadline)
        assert world.roles() == {"demo-1": "manager", "demo-2": "worker", "demo-3": "worker"}

    def test_an_engine_that_gives_up_joining_is_let_in_again(self, world: World) -> None:
        world.cluster.engine("demo-3").gives_up_times = 3
        world.swarm.create(Wishes(3, 3), world.deadline)
        assert world.roles() == dict.fromkeys(("demo-1", "demo-2", "demo-3"), "manager")
        assert world.cluster.never_came == []

    def test_what_is_left_of_a_try_to_join_is_named_where_it_cannot_be_removed(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.cluster.engine("demo-3").gives_up_times = 1
        world.cluster.engine("demo-1").says["/nodes/never0"] = (500, {"message": "too slow"})
        world.swarm.create(Wishes(3, 1), world.deadline)
        assert set(world.roles()) == {"demo-1", "demo-2", "demo-3"}
        assert "(too slow): docker node rm never0" in caplog.text

    @pytest.mark.parametrize("refuses", [False, True])
    def test_an_engine_that_gives_up_each_time_is_named_with_its_reason(
        self, world: World, *, refuses: bool
    ) -> None:
        engine = world.cluster.engine("demo-3")
        engine.gives_up_times, engine.refuses_after_giving_up = 1_000_000, refuses
        with pytest.raises(GuestError, match=f"'demo-3' has tried {MOST_TRIES} times") as caught:
            world.swarm.create(Wishes(3, 1), world.deadline)
        assert caught.value.details == ("busy" if refuses else "deadline exceeded")
        assert (caught.value.vm, caught.value.resolution) == ("demo-3", "boot2docker logs engine")
        engine.gives_up_times = 0
        world.swarm.up(world.deadline)
        assert set(world.roles()) == {"demo-1", "demo-2", "demo-3"}
        assert world.cluster.never_came == [] or refuses

    def test_a_node_with_a_fault_is_named_with_its_reason(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        info = {"Swarm": {"LocalNodeState": "error", "Error": "raft: no"}}
        world.cluster.engine("demo-3").says["/info"] = (200, info)
        with pytest.raises(WrongStateError, match="not in the swarm of 'demo-1'") as caught:
            world.swarm.up(world.deadline)
        assert caught.value.details == "raft: no"
        assert "--vm demo-3 ssh docker swarm leave --force" in caught.value.resolution

    def test_one_that_only_asked_to_be_let_in_is_no_manager(self, world: World) -> None:
        """Another engine may be on its way; its name comes with it."""
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.cluster.never_came = ["never1"]
        world.swarm.create(Wishes(3, 2), world.deadline)
        assert sorted(world.roles().values()) == ["manager", "manager", "worker"]
        assert world.cluster.never_came == ["never1"]

    def test_an_engine_that_is_too_busy_to_answer_is_asked_again(self, world: World) -> None:
        nodes = world.swarm.create(Wishes(2, 1), world.deadline)
        busy = world.cluster.engine("demo-2")
        busy.is_silent_for = 2
        admission = Admission(nodes[0], world.deadline)
        joining.wait_until_ready("demo", nodes[0], nodes, admission, world.deadline, silent)
        assert busy.is_silent_for == 0

    def test_an_engine_that_was_still_joining_when_create_was_killed_is_waited_for(
        self, world: World
    ) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.cluster.engine("demo-2").is_slow_for = 3
        world.swarm.create(Wishes(3, 1), world.deadline)
        assert world.cluster.engine("demo-2").is_slow_for == 0
        assert world.cluster.swarms == 1

    def test_a_node_that_never_gets_there_is_named_with_what_it_is(self, world: World) -> None:
        world.cluster.engine("demo-2").is_slow_for = 1_000_000
        world.cluster.engine("demo-2").error = "x509: it is not yet valid"
        with pytest.raises(DeadlineError, match="all nodes of swarm 'demo'") as caught:
            world.swarm.create(Wishes(3, 1), world.deadline)
        assert caught.value.details == "not yet: demo-2 (x509: it is not yet valid)"
        assert "boot2docker logs engine --vm NODE" in caught.value.resolution

    def test_a_swarm_that_is_there_stays_as_it_is(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.swarm.create(Wishes(3, 1), world.deadline)
        assert world.cluster.swarms == 1
        assert len(world.vms) == 3

    def test_two_swarms_know_nothing_of_each_other(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.network = "other"
        world.swarm_named("other").create(Wishes(2, 1), world.deadline)
        assert [row.name for row in world.swarm.rows(world.deadline)] == ["demo-1", "demo-2"]
        assert members.networks(world.vms, world.parts) == {
            "demo": ["demo-1", "demo-2"],
            "other": ["other-1", "other-2"],
        }

    def test_a_name_that_another_vm_has_is_refused_before_anything_is_made(
        self, world: World
    ) -> None:
        FakeDriver(State.OFF, name="demo-2", house=world.vms)
        with pytest.raises(UsageError, match="'demo-2' that is not of swarm"):
            world.swarm.create(Wishes(3, 1), world.deadline)
        assert list(world.vms) == ["demo-2"] or not world.is_there("demo-1")

    def test_too_little_memory_is_said_by_numbers_before_anything_is_made(
        self, world: World
    ) -> None:
        world.memory_mb = host.host_memory_mb()
        with pytest.raises(UsageError, match="2 nodes need .* MB of memory, and this machine has"):
            world.swarm.create(Wishes(2, 1), world.deadline)
        assert not any(map(world.is_there, world.vms))

    @pytest.mark.parametrize("wishes", [(0, 1), (51, 1), (3, 0), (3, 4), (-1, -1)])
    def test_numbers_that_make_no_swarm_are_refused(
        self, world: World, wishes: tuple[int, int]
    ) -> None:
        with pytest.raises(UsageError):
            world.swarm.create(Wishes(*wishes), world.deadline)
        assert world.vms == {}

    def test_an_even_number_of_managers_is_warned_of(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.swarm.create(Wishes(2, 2), world.deadline)
        assert "2 managers survive the loss of 0, as 1 do" in caplog.text

    def test_every_node_is_told_the_names_of_the_others(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        assert "192.168.60.2 demo-2" in world.hosts["demo-1"]
        assert "192.168.60.1 demo-1" in world.hosts["demo-2"]


class TestNodes:
    def test_a_node_more_joins_as_a_worker(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.swarm.add(1, world.deadline)
        assert world.roles()["demo-3"] == "worker"

    def test_a_node_that_is_removed_is_drained_first_and_gone_then(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.cluster.engine("demo-2").tasks = 1
        world.swarm.remove("demo-2", world.deadline)
        assert set(world.roles()) == {"demo-1", "demo-3"}
        assert not world.is_there("demo-2")

    @pytest.mark.parametrize("is_unaware", [False, True])
    @pytest.mark.parametrize("managers", [1, 3])
    @pytest.mark.parametrize("is_demoted_after", [0, 2])
    def test_a_node_that_was_deleted_by_hand_is_made_anew_and_forgotten(
        self, world: World, managers: int, is_demoted_after: int, *, is_unaware: bool
    ) -> None:
        world.swarm.create(Wishes(3, managers), world.deadline)
        lost = lose(world, "demo-3")
        lost.is_demoted_after = is_demoted_after
        world.cluster.is_unaware = is_unaware
        world.swarm.create(Wishes(3, managers), world.deadline)
        assert lost.swarm == 0
        assert list(world.roles().values()).count("manager") == managers

    def test_managers_that_were_given_up_for_good_are_forgotten(self, world: World) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        given_up = [lose(world, "demo-1"), lose(world, "demo-3")]
        for engine in given_up:
            engine.is_out = True
        world.swarm.create(Wishes(3, 3), world.deadline)
        assert [one.swarm for one in given_up] == [0, 0]
        assert list(world.roles().values()) == ["manager"] * 3

    def test_a_manager_can_go_when_another_can_act(self, world: World) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        world.swarm.remove("demo-1", world.deadline)
        assert set(world.roles()) == {"demo-2", "demo-3"}

    def test_the_only_manager_cannot_be_removed(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        with pytest.raises(WrongStateError, match="no other node can act"):
            world.swarm.remove("demo-1", world.deadline)
        assert world.is_there("demo-1")

    def test_a_manager_stays_without_which_the_others_could_not_act(self, world: World) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        world.vms["demo-2"].power_off()
        world.cluster.engine("demo-2").is_on = False
        with pytest.raises(WrongStateError, match="could not act without 'demo-3'") as caught:
            world.swarm.remove("demo-3", world.deadline)
        assert caught.value.details == "These do not answer: demo-2."
        assert world.roles() == dict.fromkeys(("demo-1", "demo-2", "demo-3"), "manager")
        assert world.is_there("demo-3")
        world.swarm.remove("demo-2", world.deadline)
        assert set(world.roles()) == {"demo-1", "demo-3"}

    @pytest.mark.parametrize("busy_for", [1, 3])
    def test_managers_that_do_not_agree_in_time_are_asked_again(
        self, world: World, busy_for: int
    ) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        for engine in world.cluster.engines.values():
            engine.busy_for = busy_for
        world.swarm.remove("demo-1", world.deadline)
        assert set(world.roles()) == {"demo-2", "demo-3"}

    def test_managers_that_never_agree_cost_no_node(self, world: World) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        for engine in world.cluster.engines.values():
            engine.busy_for = 1_000_000
        with pytest.raises(DeadlineError, match="the managers of swarm 'demo' to agree"):
            world.swarm.remove("demo-1", world.deadline)
        assert world.is_there("demo-1")

    def test_what_else_is_set_of_a_node_stays_when_it_is_changed(self, world: World) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        world.cluster.engine("demo-2").labels = {"disk": "ssd"}
        engine = world.swarm.members()[0].engine
        node = next(one for one in engine.nodes(world.deadline) if one.host_name == "demo-2")
        engine.change(node.id, world.deadline, availability="drain")
        assert world.cluster.engine("demo-2").availability == "drain"
        assert world.cluster.engine("demo-2").labels == {"disk": "ssd"}

    def test_the_last_node_is_deleted_with_the_swarm(self, world: World) -> None:
        world.swarm.create(Wishes(1, 1), world.deadline)
        with pytest.raises(WrongStateError, match="last node"):
            world.swarm.remove("demo-1", world.deadline)

    def test_a_node_that_is_none_is_not_found(self, world: World) -> None:
        world.swarm.create(Wishes(1, 1), world.deadline)
        with pytest.raises(NotFoundError, match="no node 'x'"):
            world.swarm.remove("x", world.deadline)


class TestLife:
    def test_all_nodes_go_down_and_come_up(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.swarm.down(world.deadline)
        assert {vm.peek() for vm in world.vms.values()} == {State.OFF}
        world.swarm.up(world.deadline)
        assert {vm.peek() for vm in world.vms.values()} == {State.RUNNING}
        assert world.cluster.swarms == 1

    def test_forwarders_of_nodes_that_run_look_who_serves_the_swarm(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.parts("demo-2").machine.down(world.deadline)
        answers = iter(["no manager yet", None])
        world.swarm.wait_until_served(lambda: next(answers), world.deadline)
        assert world.woken == ["demo-1", "demo-3"]
        with pytest.raises(DeadlineError, match="manager of swarm 'demo'"):
            world.swarm.wait_until_served(lambda: "no manager", world.deadline)

    def test_those_that_run_are_saved(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.parts("demo-2").machine.down(world.deadline)
        world.swarm.save(world.deadline)
        assert [vm.peek() for vm in world.vms.values()] == [State.SAVED, State.OFF]

    def test_all_go_back_to_a_snapshot(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.swarm.take_snapshot("clean", world.deadline)
        for vm in world.vms.values():
            vm.disk = "dirty"
        world.swarm.reset_to("clean", world.deadline)
        assert {vm.disk for vm in world.vms.values()} == {"new"}

    @pytest.mark.parametrize("fatal", [2, 3])
    def test_a_snapshot_that_was_cut_short_is_taken_anew_of_all(
        self, world: World, fatal: int
    ) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        for count in (fatal, 2, 0):
            world.steps, world.fatal = 0, count
            with pytest.raises(KilledError) if count else contextlib.nullcontext():
                world.swarm.take_snapshot("clean", world.deadline)
            for vm in world.vms.values():
                vm.disk = f"after {count}"
        world.swarm.reset_to("clean", world.deadline)
        assert {vm.disk for vm in world.vms.values()} == {"after 2"}
        assert [len(vm.snapshots()) for vm in world.vms.values()] == [1, 1, 1]

    def test_a_snapshot_of_that_name_that_is_no_rest_of_a_try_stays(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.swarm.take_snapshot("clean", world.deadline)
        world.vms["demo-2"].take_snapshot("mine")
        before = [list(vm.snapshots()) for vm in world.vms.values()]
        for name in ("clean", "mine"):
            with pytest.raises(UsageError, match=f"has a snapshot '{name}' already"):
                world.swarm.take_snapshot(name, world.deadline)
        assert [list(vm.snapshots()) for vm in world.vms.values()] == before
        world.swarm.add(1, world.deadline)
        with pytest.raises(UsageError, match="'demo-1' has a snapshot 'clean' already"):
            world.swarm.take_snapshot("clean", world.deadline)

    def test_none_goes_back_when_one_cannot(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.vms["demo-1"].take_snapshot("clean")
        world.vms["demo-1"].disk = "later"
        with pytest.raises(NotFoundError, match="of: demo-2"):
            world.swarm.reset_to("clean", world.deadline)
        assert world.vms["demo-1"].disk == "later"

    def test_what_is_advised_after_a_node_came_leads_back(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.swarm.take_snapshot("clean", world.deadline)
        world.swarm.add(1, world.deadline)
        with pytest.raises(NotFoundError, match="of: demo-3") as caught:
            world.swarm.reset_to("clean", world.deadline)
        assert "swarm remove demo demo-3\n" in caught.value.resolution
        world.swarm.remove("demo-3", world.deadline)
        world.swarm.reset_to("clean", world.deadline)

    def test_two_do_not_go_to_and_fro_at_once(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.swarm.take_snapshot("clean", world.deadline)
        file = world.parts("demo-1").paths.swarm_lock("demo")
        with lock.hold(file, Deadline(1), purpose="swarm snapshot"), pytest.raises(
            BusyError, match="at work on the swarm 'demo'"
        ):
            world.swarm.reset_to("clean", Deadline(0.1))

    def test_a_node_that_is_broken_is_the_one_that_advice_is_about(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.swarm.down(world.deadline)
        world.vms["demo-2"].is_now(State.BROKEN)
        with pytest.raises(WrongStateError, match="broken") as caught:
            world.swarm.up(world.deadline)
        assert caught.value.resolution == "Repair it, or: boot2docker delete"
        assert caught.value.vm == "demo-2"
        assert world.vms["demo-3"].peek() is State.RUNNING

    @pytest.mark.parametrize(
        ("node", "part", "act"),
        [
            ("demo-4", "machine", lambda swarm, left: swarm.create(Wishes(4, 3), left)),
            ("demo-2", "machine", lambda swarm, left: swarm.up(left)),
            ("demo-2", "access", lambda swarm, left: swarm.up(left)),
            ("demo-2", "machine", lambda swarm, left: swarm.down(left)),
            ("demo-2", "machine", lambda swarm, left: swarm.save(left)),
            ("demo-2", "machine", lambda swarm, left: swarm.take_snapshot("two", left)),
            ("demo-2", "machine", lambda swarm, left: swarm.reset_to("one", left)),
            ("demo-2", "machine", lambda swarm, left: swarm.remove("demo-2", left)),
            ("demo-2", "endpoint", lambda swarm, left: swarm.remove("demo-2", left)),
            ("demo-2", "access", lambda swarm, left: swarm.remove("demo-1", left)),
            ("demo-2", "machine", lambda swarm, left: swarm.delete(left)),
            ("demo-2", "access", lambda swarm, left: swarm.load("image", left)),
            ("demo-2", "endpoint", lambda swarm, left: swarm.wait_until_served(str, left)),
        ],
    )
    def test_an_error_names_the_node_that_its_advice_is_about(
        self, world: World, node: str, part: str, act: Callable[[Swarm, Deadline], object]
    ) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        world.swarm.take_snapshot("one", world.deadline)
        world.refusing = (node, part)
        with pytest.raises(GuestError) as caught:
            act(world.swarm, world.deadline)
        assert (caught.value.vm, caught.value.resolution) == (node, "boot2docker up")

    def test_managers_that_have_not_begun_yet_are_waited_for(self, world: World) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        world.swarm.down(world.deadline)
        for engine in world.cluster.engines.values():
            engine.is_slow_for = 5
        world.swarm.up(world.deadline)
        assert [row.node is not None for row in world.swarm.rows(world.deadline)] == [True] * 3
        assert world.cluster.swarms == 1

    def test_a_swarm_without_a_manager_says_what_to_do(self, world: World) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        for name in ("demo-1", "demo-2"):
            world.cluster.engine(name).says["/info"] = (200, {"Swarm": {"LocalNodeState": "error"}})
            world.cluster.engine(name).is_on = False
        left = world.cluster.engine("demo-3")
        for path in ("/nodes", f"/nodes/{left.node_id}"):
            left.says[path] = (500, {"message": "no leader"})
        for name in ("demo-1", "demo-2"):
            world.vms[name].start_fails = ""
        with pytest.raises(WrongStateError, match="no manager that can act") as caught:
            world.swarm.up(world.deadline)
        typed = "docker swarm init --force-new-cluster --advertise-addr 192.168.60.3"
        assert caught.value.resolution.endswith(f"boot2docker --vm demo-3 ssh {typed}")

    @pytest.mark.parametrize("is_unaware", [False, True])
    @pytest.mark.parametrize(
        "act",
        [
            lambda swarm, left: swarm.up(left),
            lambda swarm, left: swarm.create(Wishes(3, 3), left),
            lambda swarm, left: swarm.add(1, left),
        ],
    )
    def test_a_manager_that_is_alone_is_not_ready_even_before_it_notices(
        self, world: World, act: Callable[[Swarm, Deadline], object], *, is_unaware: bool
    ) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        lose(world, "demo-1")
        lose(world, "demo-3")
        world.cluster.is_unaware = is_unaware
        with pytest.raises(WrongStateError, match="no manager that can act") as caught:
            act(world.swarm, world.deadline)
        assert "boot2docker --vm demo-2 ssh docker swarm init --force-new-cluster" in (
            caught.value.resolution
        )

    @pytest.mark.parametrize(
        ("state", "error", "brief", "resolution"),
        [
            ("locked", "Swarm is encrypted", "'demo-1' is locked", "ssh docker swarm unlock"),
            (
                "error",
                "certificate (1 - x) not valid before Mon, 30 Nov 2026 09:56:00 UTC",
                "certificates of a time to come",
                "boot2docker swarm delete demo; boot2docker swarm create demo",
            ),
            ("error", "raft: no", "'demo-1' has a fault", "boot2docker logs engine --vm demo-1"),
        ],
    )
    def test_a_manager_at_odds_with_its_swarm_is_not_taken_for_lost(
        self, world: World, state: str, error: str, brief: str, resolution: str
    ) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        info = {"Swarm": {"LocalNodeState": state, "Error": error}}
        world.cluster.engine("demo-1").says["/info"] = (200, info)
        with pytest.raises(WrongStateError, match=brief) as caught:
            world.swarm.up(world.deadline)
        assert caught.value.details == error
        assert resolution in caught.value.resolution

    def test_workers_whose_only_manager_has_lost_its_disk_are_told_to_leave(
        self, world: World
    ) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.cluster.engines["demo-1"] = FakeEngine(world.cluster, "demo-1")
        with pytest.raises(WrongStateError, match="has lost its managers") as caught:
            world.swarm.up(world.deadline)
        assert "--vm demo-2 ssh docker swarm leave --force" in caught.value.resolution
        for name in ("demo-2", "demo-3"):
            world.cluster.engines[name] = FakeEngine(world.cluster, name)
        world.swarm.up(world.deadline)
        assert world.roles() == {"demo-1": "manager", "demo-2": "worker", "demo-3": "worker"}

    def test_a_manager_of_three_that_has_lost_its_disk_joins_anew(self, world: World) -> None:
        world.swarm.create(Wishes(3, 3), world.deadline)
        lost = world.cluster.engines.pop("demo-1")
        lost.is_on = False
        world.cluster.engines["lost"] = lost
        world.cluster.engines["demo-1"] = AnotherID(world.cluster, "demo-1")
        world.swarm.up(world.deadline)
        assert world.roles() == dict.fromkeys(("demo-1", "demo-2", "demo-3"), "manager")

    def test_a_node_of_another_swarm_is_refused(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        stranger = world.cluster.engine("demo-2")
        world.cluster.swarms += 1
        stranger.swarm = world.cluster.swarms
        with pytest.raises(WrongStateError, match="another swarm"):
            world.swarm.up(world.deadline)

    def test_a_list_shows_nodes_that_are_off(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.parts("demo-2").machine.down(world.deadline)
        first, second = world.swarm.rows(world.deadline)
        assert first.node is not None
        assert first.node.is_leader
        assert second.state is State.OFF
        assert second.node is not None
        assert second.node.state == "down"

    def test_what_is_not_there_is_not_found(self, world: World) -> None:
        for act in (world.swarm.up, world.swarm.down, world.swarm.save, world.swarm.rows):
            with pytest.raises(NotFoundError, match="no swarm 'demo'"):
                act(world.deadline)
        assert not world.swarm.delete(world.deadline)

    def test_a_swarm_is_deleted_with_all_its_vms_and_no_other(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        FakeDriver(State.OFF, name="mine", house=world.vms)
        assert world.swarm.delete(world.deadline)
        assert [name for name in world.vms if world.is_there(name)] == ["mine"]


class TestDifferences:
    HOUR_S = 3600.0

    def found(self, world: World) -> list[differences.Difference]:
        return differences.among("demo", world.swarm.rows(world.deadline))

    def test_nodes_that_are_alike_are_not_spoken_of(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.cluster.engine("demo-2").clock_skew_s = 20
        world.parts("demo-3").machine.down(world.deadline)
        assert self.found(world) == []

    @pytest.mark.parametrize(
        ("skew_s", "words"),
        [
            (HOUR_S * 3, "3 h fast"),
            (-HOUR_S * 3, "3 h slow"),
            (HOUR_S * 24 * 100, "100 days fast"),
            (-HOUR_S * 24 * 100, "100 days slow"),
            (-600, "10 min slow"),
        ],
    )
    def test_a_clock_that_is_off_is_named_and_up_sets_it(
        self, world: World, skew_s: float, words: str
    ) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.cluster.engine("demo-2").clock_skew_s = skew_s
        (found,) = self.found(world)
        assert found == (f"the clock of 'demo-2' is {words}", "boot2docker swarm up demo")
        world.swarm.up(world.deadline)
        assert self.found(world) == []

    def test_all_clocks_are_off_when_this_machines_is_wrong_and_it_is_no_example(
        self, world: World
    ) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        rows = world.swarm.rows(world.deadline)
        assert differences.among("demo", rows, lambda: 0.0) == []

    def test_a_node_of_another_image_is_named_with_its_engine(self, world: World) -> None:
        world.swarm.create(Wishes(3, 1), world.deadline)
        world.cluster.engine("demo-2").system = "Boot2Docker 20.10.24"
        world.cluster.engine("demo-2").version_of_engine = "20.10.24"
        (found,) = self.found(world)
        assert found.found == (
            "the nodes run different images: "
            "demo-1, demo-3: Boot2Docker v26.1.5-20261101 (Debian 13.2), Docker Engine 26.1.5; "
            "demo-2: Boot2Docker 20.10.24, Docker Engine 20.10.24"
        )
        assert found.fix == "boot2docker swarm down demo; boot2docker swarm up demo"

    def test_a_pin_is_why_a_node_has_another_image(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.cluster.engine("demo-2").system = "Boot2Docker of last year"
        paths = world.parts("demo-2").paths.vm("demo-2")
        pins.write(paths, Image(world.iso, "20.10.24", "", "", 1, ""))
        (found,) = self.found(world)
        assert found.fix.startswith("boot2docker upgrade --unpin --vm demo-2; boot2docker swarm ")
        paths.pin.write_text("spoiled")
        (found,) = self.found(world)
        assert "upgrade --unpin --vm demo-2" in found.fix

    @pytest.mark.parametrize("told", ["", 7, None, "now", "2026-13-99T00:00:00Z", "2026" * 99])
    def test_a_time_that_is_none_is_no_difference(self, world: World, told: object) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        info = {"Swarm": {"LocalNodeState": "active"}, "SystemTime": told, "ServerVersion": told}
        world.cluster.engine("demo-2").says["/info"] = (200, info)
        assert self.found(world) == []


class AnotherID(FakeEngine):
    """An engine that was set up anew, under the name of an earlier one."""

    @property
    def node_id(self) -> str:
        return "another" + self.name.replace("-", "")


def test_nodes_are_in_the_order_of_their_numbers() -> None:
    assert sorted(["a-10", "a-9", "b", "a"], key=in_order) == ["a", "a-9", "a-10", "b"]
    assert node_names("a", ["a-2"], 3) == ["a-1", "a-2", "a-3"]


def test_memory_that_is_used_already_is_no_reason_to_refuse() -> None:
    demand_memory(0, 10_000, 5_000, 3)
    with pytest.raises(UsageError, match="3 nodes need 11000 MB of memory"):
        demand_memory(1_000, 10_000, 5_000, 3)


class TestInvitation:
    def test_join_command_names_the_manager_and_the_token_of_the_role(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        worker = world.swarm.invitation(world.deadline)
        manager = world.swarm.invitation(world.deadline, as_manager=True)
        assert worker.command.startswith("docker swarm join --token ")
        assert worker.command.endswith(" 192.168.60.1:2377")
        assert worker.command != manager.command

    @pytest.mark.parametrize("token", ["", "x; rm -rf /", "SWMTKN-1-$(id)", "SWMTKN-1-a\nid", 7])
    def test_what_is_no_token_reaches_no_shell(self, world: World, token: object) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        said = {"JoinTokens": {"Worker": token, "Manager": token}}
        world.cluster.engine("demo-1").says["/swarm"] = (200, said)
        with pytest.raises(GuestError, match="no token"):
            world.swarm.invitation(world.deadline)

    def test_without_a_manager_that_runs_nothing_can_join(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        world.swarm.down(world.deadline)
        with pytest.raises(WrongStateError, match="no manager") as caught:
            world.swarm.invitation(world.deadline)
        assert "swarm up demo" in caught.value.resolution


class TestLoad:
    def test_image_that_no_node_has_is_named(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        with pytest.raises(NotFoundError, match="'web:1'") as caught:
            world.swarm.load("web:1", world.deadline)
        assert "demo-1, demo-2" in caught.value.details

    @pytest.mark.parametrize("image", ["", "-", "--help"])
    def test_what_is_no_name_of_an_image_is_refused(self, world: World, image: str) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        with pytest.raises(UsageError, match="no name of an image"):
            world.swarm.load(image, world.deadline)


class TestRegistry:
    def test_it_runs_on_one_node_and_is_at_the_loopback_of_all(self, world: World) -> None:
        world.swarm.create(Wishes(2, 1), world.deadline)
        for _typed_again in range(2):
            served = world.swarm.serve_images("registry:2", world.deadline)
            assert served == ("registry:2", "127.0.0.1:5000")
        (service,) = world.cluster.engine("demo-1").services
        template = service["TaskTemplate"]
        assert template["ContainerSpec"]["Image"] == "registry:2"
        assert template["Placement"]["Constraints"] == ["node.id==nodedemo1"]
        assert service["EndpointSpec"]["Ports"][0]["PublishMode"] == "ingress"

    def test_one_whose_image_cannot_be_had_says_so(self, world: World) -> None:
        world.swarm.create(Wishes(1, 1), world.deadline)
        world.cluster.engine("demo-1").why_no_task = "No such image: registry:2"
        with pytest.raises(DeadlineError, match="the registry, of 'registry:2'") as caught:
            world.swarm.serve_images("registry:2", world.deadline)
        assert "No such image" in caught.value.details

    def test_a_service_of_that_name_that_is_another_is_left_alone(self, world: World) -> None:
        world.swarm.create(Wishes(1, 1), world.deadline)
        image = {"TaskTemplate": {"ContainerSpec": {"Image": "mine:1@sha256:00"}}}
        world.cluster.engine("demo-1").services.append({"Name": "registry", **image})
        with pytest.raises(WrongStateError, match="of another image, 'mine:1'"):
            world.swarm.serve_images("registry:2", world.deadline)
        assert world.swarm.serve_images("mine:1", world.deadline).image == "mine:1"


class TestKilled:
    """Commands that are killed before any of their changes, and typed again."""

    def killed_before_each(
        self,
        tmp_path: Any,
        before: Callable[[World], None],
        command: Callable[[World], object],
    ) -> Iterator[World]:
        """Yield a world for each change, in which the command was killed before that one."""
        world = World(tmp_path)
        before(world)
        world.steps = 0
        command(world)
        changes = world.steps
        assert changes > 2
        for fatal in range(1, changes + 1):
            world = World(tmp_path)
            before(world)
            world.steps, world.fatal = 0, fatal
            with pytest.raises(KilledError):
                command(world)
            world.fatal = 0
            yield world

    def test_create(self, tmp_path: Any) -> None:
        def create(world: World) -> None:
            world.swarm.create(Wishes(4, 3), world.deadline)

        for world in self.killed_before_each(tmp_path, lambda _world: None, create):
            create(world)
            assert sorted(world.roles().values()) == ["manager"] * 3 + ["worker"]
            assert world.cluster.swarms == 1
            assert set(world.vms) == {"demo-1", "demo-2", "demo-3", "demo-4"}
            assert len(world.hosts) == 4

    def test_add(self, tmp_path: Any) -> None:
        def before(world: World) -> None:
            world.swarm.create(Wishes(2, 1), world.deadline)

        def add(world: World) -> None:
            world.swarm.add(1, world.deadline)

        for world in self.killed_before_each(tmp_path, before, add):
            world.swarm.create(Wishes(3, 1), world.deadline)
            assert set(world.roles()) == {"demo-1", "demo-2", "demo-3"}

    @pytest.mark.parametrize("managers", [1, 3])
    def test_remove(self, tmp_path: Any, managers: int) -> None:
        def before(world: World) -> None:
            world.swarm.create(Wishes(3, managers), world.deadline)
            world.cluster.engine("demo-3").tasks = 1

        def remove(world: World) -> None:
            world.swarm.remove("demo-3", world.deadline)

        for world in self.killed_before_each(tmp_path, before, remove):
            with contextlib.suppress(NotFoundError):  # only the names were left to do
                remove(world)
            world.swarm.up(world.deadline)
            assert set(world.roles()) == {"demo-1", "demo-2"}
            assert not world.is_there("demo-3")

    def test_delete(self, tmp_path: Any) -> None:
        def before(world: World) -> None:
            world.swarm.create(Wishes(3, 3), world.deadline)

        def delete(world: World) -> None:
            world.swarm.delete(world.deadline)

        for world in self.killed_before_each(tmp_path, before, delete):
            world.swarm.delete(world.deadline, list(world.vms))
            assert not any(map(world.is_there, world.vms))

    def test_down_and_up(self, tmp_path: Any) -> None:
        def before(world: World) -> None:
            world.swarm.create(Wishes(3, 3), world.deadline)

        def down_and_up(world: World) -> None:
            world.swarm.down(world.deadline)
            world.swarm.up(world.deadline)

        for world in self.killed_before_each(tmp_path, before, down_and_up):
            world.swarm.up(world.deadline)
            assert sorted(world.roles().values()) == ["manager"] * 3
            assert world.cluster.swarms == 1
