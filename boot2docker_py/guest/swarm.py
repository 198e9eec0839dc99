"""What is said to an engine of its swarm: Docker's own swarm mode, over the Engine API.

https://docs.docker.com/reference/api/engine/ ("Swarm", "Nodes"). An engine's words are the VM's:
they have bounds, and what is no answer is none.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import re
import time
import urllib.parse
from typing import Any, Callable, NamedTuple, Sequence

from boot2docker_py.errors import GuestError, about
from boot2docker_py.guest import http
from boot2docker_py.ssh.stream import Stream
from boot2docker_py.untrusted import integer, parsed_json
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

# moby api/types/swarm, LocalNodeState
INACTIVE, PENDING, ACTIVE = "inactive", "pending", "active"
ERROR, LOCKED = "error", "locked"
PORT = 2377  # of managers, Docker's own
# What managers say that have not agreed in time, have agreed on another change meanwhile, or have
# yet to do what follows from one: swarmkit, manager/state and manager/controlapi.
_OF_BUSY_MANAGERS = (
    "deadline exceeded",
    "does not have a leader",
    "update out of sequence",
    "must be demoted to worker before removal",
)
ANSWER_LIMIT_BYTES = 4 * 1024 * 1024
ASK_WITHIN_S = 30.0  # one of many questions of a wait, whose own end is no reason of the engine's
NODES_LIMIT = 1000  # services and tasks as well
TEXT_LIMIT = 256
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

OpenStream = Callable[[], Stream]


class BusyManagersError(GuestError):
    """The managers have not agreed on what was asked, or have no leader at the moment."""


class Membership(NamedTuple):
    """What an engine says of itself."""

    state: str  # inactive, pending, active, error or locked
    node_id: str
    is_manager: bool
    error: str
    managers: Sequence[str]  # the IDs of the nodes that it knows as managers
    engine_version: str = ""
    system: str = ""  # the image that it booted: the name and the version in its /etc/os-release
    clock_skew_s: float | None = None  # how far its clock is ahead of ours; None: not said

    @property
    def is_settled(self) -> bool:
        """Tell whether it stays so by itself; an engine that starts comes to be something else."""
        return self.state in (ACTIVE, INACTIVE)


class Tokens(NamedTuple):
    """What lets an engine join; secrets."""

    worker: str
    manager: str


class Node(NamedTuple):
    """A node, as a manager says."""

    id: str
    host_name: str
    role: str  # manager or worker
    availability: str  # active, pause or drain
    state: str  # ready, down, unknown or disconnected
    is_leader: bool
    is_deciding: bool  # as a manager, one of those of which more than half have to agree
    is_reachable: bool  # as a manager, by the other managers
    address: str
    engine_version: str = ""

    @property
    def has_come(self) -> bool:
        """Tell whether it has ever been there, instead of having but asked to be let in."""
        return bool(self.host_name)


class Engine:
    """The swarm mode of one engine."""

    def __init__(self, name: str, open_stream: OpenStream) -> None:
        self.name = name
        self._open_stream = open_stream

    def membership(self, deadline: Deadline) -> Membership:
        """Return what the engine is in a swarm."""
        asked_s = time.time()
        info = _object(self._get("/info", deadline))
        answered_s = time.time()
        told = _object(info.get("Swarm"))
        managers = told.get("RemoteManagers")
        rows = managers if isinstance(managers, list) else []
        return Membership(
            state=_text(told.get("LocalNodeState")) or INACTIVE,
            node_id=_id(told.get("NodeID")),
            is_manager=told.get("ControlAvailable") is True,
            error=_text(told.get("Error")),
            managers=[_id(_object(row).get("NodeID")) for row in rows[:NODES_LIMIT]],
            engine_version=_text(info.get("ServerVersion")),
            system=_text(info.get("OperatingSystem")),
            clock_skew_s=_skew_s(info.get("SystemTime"), asked_s, answered_s),
        )

    def create(self, address: str, pool: str, deadline: Deadline) -> None:
        """Make a swarm of which the engine is the first manager, at an address of its own.

        Its overlay networks are taken from the network `pool`, 256 addresses each.
        """
        document = {
            "ListenAddr": f"{address}:{PORT}",
            "AdvertiseAddr": address,
            "DataPathAddr": address,
            "DefaultAddrPool": [pool],
            "SubnetSize": 24,
        }
        self._post("/swarm/init", document, deadline)

    def join(self, address: str, managers: Sequence[str], token: str, deadline: Deadline) -> None:
        """Join the swarm of the managers at these addresses.

        An engine that has not got there after 20 s says so, and goes on: moby
        daemon/cluster/cluster.go, swarmConnectTimeout.
        """
        document = {
            "ListenAddr": f"{address}:{PORT}",
            "AdvertiseAddr": address,
            "DataPathAddr": address,
            "RemoteAddrs": [f"{manager}:{PORT}" for manager in managers],
            "JoinToken": token,
        }
        try:
            self._post("/swarm/join", document, deadline)
        except GuestError as error:
            if self.membership(deadline).state not in (PENDING, ACTIVE):
                raise
            log.debug("It joins by and by: %s", error.details)

    def tokens(self, deadline: Deadline) -> Tokens:
        """Return what lets others join; the engine has to be a manager."""
        told = _object(_object(self._get("/swarm", deadline)).get("JoinTokens"))
        return Tokens(self._token(told.get("Worker")), self._token(told.get("Manager")))

    def leave(self, deadline: Deadline) -> None:
        """Leave the swarm, whatever becomes of it."""
        self._post("/swarm/leave?force=1", {}, deadline)

    def nodes(self, deadline: Deadline) -> list[Node]:
        """Return the nodes that a manager knows."""
        told = self._get("/nodes", deadline)
        rows = told if isinstance(told, list) else []
        return [_node(_object(row)) for row in rows[:NODES_LIMIT]]

    def change(
        self, node_id: str, deadline: Deadline, *, role: str = "", availability: str = ""
    ) -> None:
        """Change the role of a node, or whether it takes tasks; what else is set of it stays.

        With neither nothing changes, but the managers have to agree on that, too.
        """
        path = f"/nodes/{urllib.parse.quote(node_id)}"
        told = _object(self._get(path, deadline))
        changes = {"Role": role, "Availability": availability}
        document = {
            **_object(told.get("Spec")),
            **{key: value for key, value in changes.items() if value},
        }
        self._post(f"{path}/update?version={_version(told)}", document, deadline)

    def remove(self, node: Node, deadline: Deadline) -> None:
        """Remove a node, which has gone or is to go, from what the managers know."""
        self._ask(f"/nodes/{urllib.parse.quote(node.id)}?force=1", deadline, method="DELETE")

    def running_tasks(self, node: Node, deadline: Deadline) -> int:
        """Return how many tasks run on a node."""
        filters = json.dumps({"node": [node.id], "desired-state": ["running"]})
        query = urllib.parse.urlencode({"filters": filters})
        told = self._get(f"/tasks?{query}", deadline)
        return len(told) if isinstance(told, list) else 0

    def images_of_services(self, deadline: Deadline) -> dict[str, str]:
        """Return the images of the services that a manager knows, by their names."""
        told = self._get("/services", deadline)
        rows = told if isinstance(told, list) else []
        specs = [_object(_object(row).get("Spec")) for row in rows[:NODES_LIMIT]]
        return {_text(spec.get("Name")): _image(spec) for spec in specs}

    def create_service(self, document: object, deadline: Deadline) -> None:
        """Create a service; the engine has to be a manager."""
        self._post("/services/create", document, deadline)

    def why_not_running(self, service: str, deadline: Deadline) -> str | None:
        """Return why no task of a service runs, in the words of its node; None when one does."""
        query = urllib.parse.urlencode({"filters": json.dumps({"service": [service]})})
        told = self._get(f"/tasks?{query}", deadline)
        tasks = [_object(row) for row in (told if isinstance(told, list) else [])[:NODES_LIMIT]]
        states = [_object(task.get("Status")) for task in tasks]
        if any(state.get("State") == "running" for state in states):
            return None
        states.sort(key=lambda state: _text(state.get("Timestamp")), reverse=True)
        words = [_text(state.get("Err")) or _text(state.get("State")) for state in states]
        return next((each for each in words if each), "it has no task yet")

    def _token(self, told: object) -> str:
        """Return a token, which people type into a shell: nothing else of the VM's may be in it."""
        token = _text(told)
        if not re.fullmatch("SWMTKN(-[a-z0-9]+)+", token):
            raise GuestError(f"the engine of VM '{self.name}' sends what is no token of a swarm")
        return token

    def _get(self, path: str, deadline: Deadline) -> Any:
        return self._ask(path, deadline)

    def _post(self, path: str, document: object, deadline: Deadline) -> Any:
        return self._ask(path, deadline, method="POST", document=json.dumps(document).encode())

    def _ask(
        self, path: str, deadline: Deadline, *, method: str = "GET", document: bytes = b""
    ) -> Any:
        try:
            with about(self.name), contextlib.closing(self._open_stream()) as stream:
                answer = http.ask(stream, path, deadline, method=method, document=document)
                body = http.body(stream, answer, ANSWER_LIMIT_BYTES, deadline)
            told = parsed_json(body) if body.strip() else None
        except (OSError, ValueError) as error:
            raise GuestError(
                f"the engine of VM '{self.name}' does not answer what was asked of its swarm",
                details=str(error) or type(error).__name__,
                resolution="boot2docker doctor",
                vm=self.name,
            ) from error
        if not answer.is_ok:
            words = _text(_object(told).get("message")) or answer.status_line
            is_busy = any(each in words for each in _OF_BUSY_MANAGERS)
            raise (BusyManagersError if is_busy else GuestError)(
                f"the engine of VM '{self.name}' refuses", details=words
            )
        return told


def _node(told: dict[str, Any]) -> Node:
    spec, manager = _object(told.get("Spec")), _object(told.get("ManagerStatus"))
    status, described = _object(told.get("Status")), _object(told.get("Description"))
    return Node(
        id=_id(told.get("ID")),
        host_name=_text(described.get("Hostname")),
        role=_text(spec.get("Role")),
        availability=_text(spec.get("Availability")),
        state=_text(status.get("State")),
        is_leader=manager.get("Leader") is True,
        is_deciding=bool(manager),
        is_reachable=manager.get("Reachability") == "reachable",
        # That of a manager in its own eyes may be 0.0.0.0.
        address=_text(manager.get("Addr")).rpartition(":")[0] or _text(status.get("Addr")),
        engine_version=_text(_object(described.get("Engine")).get("EngineVersion")),
    )


def _version(told: dict[str, Any]) -> int:
    """Return the version of what a manager knows of a node, which a change has to name."""
    return integer(_object(told.get("Version")).get("Index"), 0, 1 << 63) or 0


def _skew_s(told: object, asked_s: float, answered_s: float) -> float | None:
    """Return the least by which a time, told between two of ours, can be ahead of our clock."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z", _text(told))  # RFC 3339
    if not found:
        return None
    try:
        whole = datetime.datetime.strptime(found[1] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:  # no such day
        return None
    told_s = (whole - EPOCH).total_seconds() + float(found[2] or 0)
    return told_s - min(max(told_s, asked_s), answered_s)


def _image(spec: dict[str, Any]) -> str:
    """Return the image of a service, without the digest that docker's client may have added."""
    container = _object(_object(spec.get("TaskTemplate")).get("ContainerSpec"))
    return _text(container.get("Image")).partition("@")[0]


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:TEXT_LIMIT] if isinstance(value, str) else ""


def _id(value: object) -> str:
    text = _text(value)
    return text if re.fullmatch("[a-z0-9]+", text) else ""
