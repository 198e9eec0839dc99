"""What stands in for engines in swarm mode: each answers the Engine API, over streams."""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import Any, Callable

from boot2docker_py.ssh.stream import Stream


class Cluster:
    """The engines of some VMs, by the names of these."""

    def __init__(self) -> None:
        self.engines: dict[str, FakeEngine] = {}
        self.swarms = 0
        self.never_came: list[str] = []  # the IDs of nodes that had only asked to be let in
        self.pools: list[str] = []  # that overlay networks are taken from
        self.is_unaware = False  # managers have not noticed yet that others are lost
        self.before_change: Callable[[], None] = lambda: None

    def engine(self, name: str) -> FakeEngine:
        """Return the engine of a VM."""
        return self.engines.setdefault(name, FakeEngine(self, name))

    def nodes(self, swarm: int) -> list[FakeEngine]:
        """Return what is, or was, in a swarm."""
        return [one for one in self.engines.values() if swarm and one.swarm == swarm]


class FakeEngine:
    """One engine: in no swarm, or a node of one."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.swarm = 0
        self.role = "worker"
        self.availability = "active"
        self.address = ""
        self.is_on = True
        self.version = 1
        self.labels: dict[str, str] = {}
        self.busy_for = 0  # so many changes
        self.is_out = (
            False  # a manager that does not count since `docker swarm init --force-new-cluster`
        )
        self.is_demoted_after = 0  # so many tries to remove it
        self.tasks = 0
        self.has_left = False  # what a manager still knows of, as a node that is down
        self.tokens_taken: list[str] = []
        self.is_silent_for = 0  # so many questions
        self.is_slow_for = 0  # so many questions after it has begun to join, it has not yet
        self.gives_up_times = 0  # on its way into a swarm, after it has said that it goes on
        self.refuses_after_giving_up = False
        self.has_given_up = self.says_error = False
        self.services: list[dict[str, Any]] = []  # that it has made, as a manager
        self.why_no_task = ""
        self.clock_skew_s = 0.0
        self.version_of_engine = "26.1.5"
        self.system = "Boot2Docker v26.1.5-20261101 (Debian 13.2)"
        self.error = ""
        self.says: dict[str, tuple[int, object]] = {}  # instead of what it would, by path

    @property
    def node_id(self) -> str:
        return "node" + self.name.replace("-", "")

    def open(self) -> Stream:
        """Return a connection to it."""
        if not self.is_on:
            raise ConnectionRefusedError("nobody listens")
        if self.is_silent_for:
            self.is_silent_for -= 1
            raise TimeoutError("timed out")
        return Exchange(self._answer)

    def _answer(self, method: str, url: str, document: Any) -> tuple[int, object]:
        path, _, query = url.partition("?")
        if method != "GET":
            self.cluster.before_change()
        if path in self.says:
            return self.says[path]
        parts = path.strip("/").split("/")
        if path == "/info":
            return 200, {
                "Swarm": {"Error": self.error, **self._info()},
                "SystemTime": rfc3339(time.time() + self.clock_skew_s),
                "ServerVersion": self.version_of_engine,
                "OperatingSystem": self.system,
            }
        if path == "/swarm/init":
            return self._init(document)
        if path == "/swarm/join":
            return self._join(document)
        if path == "/swarm/leave":
            self.has_left = not self.has_given_up
            self.has_given_up = False
            return 200, None
        if not self._can_act(method):
            return 503, {"message": "This node is not a swarm manager."}
        if path == "/swarm":
            words = {kind: f"SWMTKN-{self.swarm}-{kind.lower()}" for kind in ("Worker", "Manager")}
            return 200, {"JoinTokens": words}
        if path == "/services/create":
            self.services.append(document)
            return 201, {"ID": "service1"}
        if path == "/services":
            return 200, [{"ID": "service1", "Spec": one} for one in self.services]
        if path == "/tasks" and "service" in query:
            state = "rejected" if self.why_no_task else "running"
            return 200, [{"Status": {"State": state, "Err": self.why_no_task}}]
        if path == "/tasks":
            node = json.loads(urllib.parse.parse_qs(query)["filters"][0])["node"][0]
            found = next(one for one in self._peers() if one.node_id == node)
            return 200, [{}] * found.tasks
        if path == "/nodes":
            named = [one.as_node(self) for one in self._peers()]
            return 200, [*named, *map(as_one_that_never_came, self.cluster.never_came)]
        if parts[1] in self.cluster.never_came:
            if method != "DELETE":
                return 404, {"message": "can't find manager in raft memberlist"}
            self.cluster.never_came.remove(parts[1])
            return 200, None
        node = next(one for one in self._peers() if one.node_id == parts[1])
        if method == "GET":
            return 200, node.as_node(self)
        if self.busy_for:
            self.busy_for -= 1
            return 500, {
                "message": "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
            }
        if method == "DELETE":
            if (node.role == "manager" and not node.is_out) or node.is_demoted_after:
                node.is_demoted_after = max(0, node.is_demoted_after - 1)
                refusal = "is a cluster manager. It must be demoted to worker before removal"
                return 400, {"message": refusal}
            node.swarm = 0
            return 200, None
        if node.is_out:
            return 404, {"message": "can't find manager in raft memberlist"}
        if f"version={node.version}" not in query:
            return 500, {"message": "update out of sequence"}
        node.role, node.availability = document["Role"], document["Availability"]
        node.labels = document.get("Labels", {})
        node.version += 1
        if node.availability == "drain":
            node.tasks = max(0, node.tasks - 1)
        return 200, None

    def _info(self) -> dict[str, Any]:
        if self.has_left:
            return {"LocalNodeState": "inactive"}
        if self.swarm and self.is_slow_for:
            self.is_slow_for -= 1
            return {"LocalNodeState": "pending"}
        if self.has_given_up:
            state = "error" if self.says_error else "pending"
            self.says_error = True
            return {"LocalNodeState": state, "NodeID": "", "Error": "deadline exceeded"}
        managers = [{"NodeID": one.node_id} for one in self._peers() if one.role == "manager"]
        return {
            "LocalNodeState": "active" if self.swarm else "inactive",
            "NodeID": self.node_id if self.swarm else "",
            "ControlAvailable": bool(self.swarm) and self.role == "manager",
            "RemoteManagers": managers or None,
        }

    def _init(self, document: Any) -> tuple[int, object]:
        if self.swarm:
            return 503, {"message": "This node is already part of a swarm."}
        self.cluster.swarms += 1
        self.cluster.pools = document["DefaultAddrPool"]
        self.swarm, self.role, self.address = (
            self.cluster.swarms,
            "manager",
            document["AdvertiseAddr"],
        )
        return 200, self.node_id

    def _join(self, document: Any) -> tuple[int, object]:
        token, address = document["JoinToken"], document["RemoteAddrs"][0].partition(":")[0]
        network = self.name.rpartition("-")[0]  # the addresses of another are the same
        engines = self.cluster.engines.values()
        mine = [one for one in engines if one.swarm and one.name.startswith(network)]
        peers = [one for one in mine if one.address == address]
        if not peers:
            return 500, {"message": "connection refused"}
        self.tokens_taken.append(token)
        if self.gives_up_times and self.refuses_after_giving_up and self.cluster.never_came:
            return 500, {"message": "busy"}
        if self.gives_up_times:
            self.gives_up_times -= 1
            self.has_given_up, self.says_error = True, False
            self.cluster.never_came += [f"never{len(self.cluster.never_came)}"]
            return 503, {"message": "Timeout was reached before node joined."}
        self.swarm, self.address = peers[0].swarm, document["AdvertiseAddr"]
        self.role = "manager" if token.endswith("manager") else "worker"
        if self.is_slow_for:
            return 503, {"message": "Timeout was reached before node joined."}
        return 200, None

    def _peers(self) -> list[FakeEngine]:
        return self.cluster.nodes(self.swarm)

    def _can_act(self, method: str) -> bool:
        managers = [one for one in self._peers() if one.role == "manager" and not one.is_out]
        are_enough = 2 * sum(one.is_on for one in managers) > len(managers)
        answers_alone = method == "GET" and self.cluster.is_unaware
        return not self.has_left and self.role == "manager" and (are_enough or answers_alone)

    def as_node(self, asker: FakeEngine) -> dict[str, Any]:
        """Return what a manager says of it."""
        is_there = (self.is_on and not self.has_left) or self.cluster.is_unaware
        status = {
            "State": "ready" if is_there else "down",
            "Addr": self.address,
        }
        told: dict[str, Any] = {
            "ID": self.node_id,
            "Version": {"Index": self.version},
            "Spec": {
                "Role": self.role,
                "Availability": self.availability,
                "Labels": self.labels,
            },
            "Description": {
                "Hostname": self.name,
                "Engine": {"EngineVersion": self.version_of_engine},
            },
            "Status": status,
        }
        if self.role == "manager" and not self.is_out:
            told["ManagerStatus"] = {
                "Leader": self is asker,
                "Reachability": "reachable" if self.is_on else "unreachable",
                "Addr": f"{self.address}:2377",
            }
        return told


def as_one_that_never_came(node_id: str) -> dict[str, Any]:
    """Return what a manager says of an engine that it has given a certificate, no more."""
    return {
        "ID": node_id,
        "Version": {"Index": 1},
        "Spec": {"Role": "manager", "Availability": "active"},
        "Description": {"Platform": {}, "Resources": {}, "Engine": {}, "TLSInfo": {}},
        "Status": {"State": "unknown"},
    }


def rfc3339(time_s: float) -> str:
    """Return a time as engines tell it, with its billionths of a second."""
    whole, part = divmod(time_s, 1)
    words = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return f"{words}.{int(part * 1e9):09d}Z"


class Exchange:
    """One question over HTTP/1.0, and its answer."""

    def __init__(self, answer: Callable[[str, str, Any], tuple[int, object]]) -> None:
        self._answer = answer
        self._left = b""

    def settimeout(self, _seconds: float | None) -> None:
        """Take any time."""

    def sendall(self, data: bytes) -> None:
        """Take the question; it comes in one piece."""
        head, _, body = data.partition(b"\r\n\r\n")
        method, url, version = head.decode().split("\r\n")[0].split()
        assert version == "HTTP/1.0"
        status, told = self._answer(method, url, json.loads(body) if body else None)
        words = b"" if told is None else json.dumps(told).encode()
        self._left = b"HTTP/1.0 %d Words\r\n\r\n" % status + words

    def recv(self, size: int) -> bytes:
        """Return the next piece of the answer."""
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def close(self) -> None:
        """Hang up."""
