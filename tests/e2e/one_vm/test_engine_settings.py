"""Settings of the engine from here, on the real engine."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import VM

MIRROR = "http://10.0.2.2:5999"


def test_settings_reach_the_engine_and_go_again(vm: VM) -> None:
    flags = ("--registry-mirror", MIRROR, "--insecure-registry", "registry.test:5000")
    proxy = ("--proxy", "http://127.0.0.1:3128", "--engine-opt", 'labels=["place=here"]')
    vm.run("up", *flags, *proxy)
    info = vm.docker("info")
    assert f"{MIRROR}/" in info
    assert "registry.test:5000" in info
    assert "HTTP Proxy: http://10.0.2.2:3128" in info
    assert "place=here" in info
    vm.run("up")
    assert MIRROR not in vm.docker("info")


def test_settings_that_the_engine_refuses_leave_the_old_ones(vm: VM) -> None:
    vm.run("up", "--engine-opt", 'labels=["place=here"]')
    refused = vm.try_run("up", "--engine-opt", "log-level=loud")
    assert refused.returncode == 9
    assert "the engine does not take its settings" in refused.stderr.decode()
    assert "loud" in refused.stderr.decode()
    assert "place=here" in vm.docker("info")
    vm.run("up")


def test_the_users_own_file_is_joined_and_kept(vm: VM) -> None:
    mine = '{"labels": ["mine=yes"], "registry-mirrors": ["http://10.0.2.2:5998"]}'
    vm.run("ssh", f"echo '{mine}' | sudo tee /etc/docker/daemon.json")
    try:
        vm.run("up", "--registry-mirror", MIRROR)
        info = vm.docker("info")
        assert "mine=yes" in info
        assert MIRROR in info
        assert "http://10.0.2.2:5998" in info
        assert vm.run("ssh", "cat /etc/docker/daemon.json").strip() == mine
    finally:
        vm.run("ssh", "sudo rm /etc/docker/daemon.json")
        vm.run("up")
        vm.run("ssh", "sudo /etc/init.d/docker restart")


def test_scripts_run_once_or_at_each_boot(vm: VM, tmp_path: Path) -> None:
    once, always, bad = (tmp_path / name for name in ("once.sh", "always.sh", "bad.sh"))
    once.write_bytes(b"echo once >> /var/lib/boot2docker/ran\r\n")
    always.write_text("#!/bin/bash\necho always >> /var/lib/boot2docker/ran\n")
    flags = ("--provision", str(once), "--provision", f"always:{always}")
    vm.run("up", *flags)
    vm.run("up", *flags)
    vm.run("reset", *flags)
    ran = vm.run("ssh", "sudo cat /var/lib/boot2docker/ran").split()
    assert ran == ["once", "always", "always"]
    bad.write_text("echo that was wrong; exit 7\n")
    failed = vm.try_run("up", "--provision", str(bad))
    assert failed.returncode == 9
    assert "bad.sh" in failed.stderr.decode()
    assert "that was wrong" in vm.run("logs", "provision")
    vm.run("up")
