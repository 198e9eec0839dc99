"""Three real VMs, their network, one Docker Swarm; in the order of the file."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.swarm import registry_image
from tests.swarm.asking import Asking
from tests.swarm.conftest import NAMES, Nodes, eventually, timed

SERVE = (
    "/busybox mkdir -p /w; /busybox hostname > /w/index.html; exec /busybox httpd -f -p 80 -h /w"
)

READ = "until /busybox wget -q -O /w/index.html http://teller/; do /busybox sleep 1; done"


ADDRESSES = [f"192.168.60.{number}" for number in (1, 2, 3)]


def of_shell(script: str) -> dict[str, object]:
    """Return a service of a stack."""
    words = ["/busybox", "sh", "-c", script]
    return {"image": "bb:1", "command": [word.replace("$", "$$") for word in words]}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def page(port: int) -> str:
    """Return what the service says at localhost, nothing when it does not answer."""
    address = f"http://127.0.0.1:{port}/"
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode().strip())
    return ""


def serve(nodes: Nodes, name: str, replicas: int) -> int:
    port = free_port()
    nodes.docker("service", "create", "--quiet", "--detach", "--no-resolve-image", "--name", name,
                 "--network", "cable", "--replicas", str(replicas), "--publish", f"{port}:80",
                 "bb:1", "/busybox", "sh", "-c", SERVE)  # fmt: skip
    return port


def test_three_vms_are_one_swarm_with_addresses_of_its_own(nodes: Nodes) -> None:
    found = nodes.swarm("ls")["nodes"]
    assert [node["address"] for node in found] == ADDRESSES
    assert [node["node"]["state"] for node in found] == ["ready"] * 3
    assert sum(node["node"]["is_leader"] for node in found) == 1


def test_vms_reach_each_other_by_name(nodes: Nodes) -> None:
    script = "exec 3<>/dev/tcp/demo-2/22; read -r words <&3; echo $words"
    assert nodes.run("ssh", script).startswith("SSH-2.0")


def test_a_service_on_three_nodes_is_at_localhost(nodes: Nodes) -> None:
    nodes.docker("network", "create", "--driver", "overlay", "--attachable", "cable")
    port = serve(nodes, "web", 3)
    said: set[str] = set()

    def has_heard_all() -> bool:
        said.add(page(port))
        return len(said - {""}) == 3

    eventually(has_heard_all)
    assert "web" in nodes.run("ports")


def test_containers_reach_each_other_over_the_overlay_network(nodes: Nodes) -> None:
    get = ["/busybox", "wget", "-q", "-O", "-", "http://tasks.web/"]
    assert nodes.docker("run", "--rm", "--network", "cable", "bb:1", *get).strip()


def test_overlay_networks_keep_off_the_network_of_vms_and_this_machine(nodes: Nodes) -> None:
    """By Docker's own choice the third would be on it."""
    names = [f"overlay-{number}" for number in range(3)]
    for name in names:
        nodes.docker("network", "create", "--driver", "overlay", name)
    form = "{{range .IPAM.Config}}{{.Subnet}}{{end}}"
    subnets = nodes.docker("network", "inspect", "--format", form, *names).split()
    print(f"overlay networks: {subnets}")
    assert len(set(subnets)) == 3
    nat = ipaddress.ip_network("10.0.2.0/24")
    assert not any(ipaddress.ip_network(one).overlaps(nat) for one in subnets)
    nodes.docker("network", "rm", *names)


def test_a_stack_of_two_services_is_at_localhost(nodes: Nodes, tmp_path: Path) -> None:
    """The second has asked the first by its name."""
    port, stack = free_port(), tmp_path / "stack.yml"
    read = f"/busybox mkdir -p /w; {READ}; exec /busybox httpd -f -p 80 -h /w"
    services = {
        "teller": {**of_shell(SERVE), "deploy": {"replicas": 3}},
        "reader": {**of_shell(read), "ports": [f"{port}:80"]},
    }
    stack.write_text(json.dumps({"version": "3.8", "services": services}))  # JSON is YAML
    nodes.docker("--context", "demo", "stack", "deploy", "--resolve-image", "never",
                 "--compose-file", str(stack), "shop")  # fmt: skip
    eventually(lambda: page(port) != "")
    of_tellers = nodes.docker("service", "ps", "--format", "{{.Node}}", "shop_teller")
    assert set(of_tellers.split()) == set(NAMES)
    nodes.docker("stack", "rm", "shop")


def test_an_image_that_is_pushed_to_the_registry_is_there_for_all_nodes(
    nodes: Nodes, tmp_path: Path
) -> None:
    archive = registry_image.make(tmp_path / "registry.tar")
    command = f"CMD {json.dumps(registry_image.SERVE)}"
    nodes.import_image(archive, "a-registry:1", "--change", command)
    options = ("--nodes", "3", "--registry", "a-registry:1")
    address = nodes.swarm("create", *options)["registry"]["address"]
    pushed = f"{address}/pushed:1"
    nodes.docker("tag", "bb:1", pushed)
    nodes.docker("push", "--quiet", pushed)
    nodes.docker("service", "create", "--quiet", "--name", "pushed", "--mode", "global", pushed,
                 "/busybox", "sleep", "9999")  # fmt: skip
    tasks = nodes.docker("service", "ps", "--format", "{{.Node}} {{.CurrentState}}", "pushed")
    running = {line.split()[0] for line in tasks.splitlines() if "Running" in line}
    assert running == set(NAMES)
    nodes.docker("service", "rm", "pushed")


@pytest.mark.parametrize("has_port", [True, False])
def test_the_service_goes_on_when_a_node_is_off(nodes: Nodes, *, has_port: bool) -> None:
    """With or without the forwarder that has the port at localhost."""
    port = serve(nodes, f"with{has_port}", 3)
    eventually(lambda: all(page(port) for _ in range(10)))
    holder = nodes.node_with_port(port)
    node = holder if has_port else next(name for name in NAMES if name != holder)
    with Asking(port) as asking:
        nodes.run("poweroff", "--vm", node)
        eventually(lambda: nodes.states()[NAMES.index(node)] == "down")
        eventually(lambda: all(page(port) for _ in range(20)))
    print(f"off: {node}, which {'has' if has_port else 'has not'} the port: {asking.in_words()}")
    nodes.swarm("up")
    eventually(lambda: nodes.states() == ["ready"] * 3)


def test_the_context_leads_to_another_manager_when_its_own_is_off(nodes: Nodes) -> None:
    serving = nodes.serving_node()
    with timed("docker answers by another manager, from poweroff on"):
        nodes.run("poweroff", "--vm", serving)
        eventually(nodes.answer_docker, look_again_s=0.1)
    assert nodes.serving_node() != serving
    nodes.run("up", "--vm", serving)


def test_the_context_leads_to_another_manager_when_its_forwarder_is_killed(nodes: Nodes) -> None:
    serving = nodes.serving_node()
    status = json.loads(nodes.run("forward", "--status", "--json", "--vm", serving))
    with timed("docker answers by another manager, from the kill of the forwarder on"):
        os.kill(status["forwarder"]["pid"], signal.SIGKILL)
        eventually(nodes.answer_docker, look_again_s=0.1)
    assert nodes.serving_node() != serving
    nodes.run("up", "--vm", serving)


def test_all_nodes_come_back_at_their_addresses(nodes: Nodes) -> None:
    nodes.swarm("down")
    nodes.swarm("up")
    eventually(lambda: nodes.states() == ["ready"] * 3)
    assert nodes.addresses() == ADDRESSES


def test_all_go_back_to_a_snapshot(nodes: Nodes) -> None:
    with timed("swarm snapshot of three nodes that run"):
        nodes.swarm("snapshot", "clean")
    nodes.docker("service", "create", "--quiet", "--detach", "--name", "later", "bb:1")
    with timed("swarm reset of three nodes"):
        nodes.swarm("reset", "clean")
    eventually(lambda: nodes.states() == ["ready"] * 3)
    assert nodes.addresses() == ADDRESSES
    assert "later" not in nodes.docker("service", "ls").split()


def test_what_join_command_prints_lets_another_vm_in(nodes: Nodes) -> None:
    nodes.run("--vm", "guest", "--driver", "qemu", "init", "--internal-network", "demo",
              "--memory", "640m", "--cpus", "1")  # fmt: skip
    nodes.run("--vm", "guest", "up")
    nodes.run("--vm", "guest", "ssh", nodes.swarm("join-command")["command"])
    eventually(lambda: nodes.states() == ["ready"] * 4)
    nodes.swarm("remove", "guest")
    assert nodes.states() == ["ready"] * 3


def test_a_node_is_taken_out_and_a_new_one_takes_its_place(nodes: Nodes) -> None:
    nodes.swarm("remove", "demo-3")
    assert nodes.states() == ["ready"] * 2
    nodes.swarm("add", "1")
    assert nodes.states() == ["ready"] * 3
