"""The commands for getting in and out of the VM with other programs, and with files."""

from __future__ import annotations

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands import with_session
from boot2docker_py.cli.session import Session


@app.command("ssh-config")
@with_session
def ssh_config(session: Session) -> None:
    """Print what ssh, VS Code and other programs need to log in to the VM, as ssh_config(5).

    The VM's name stands for it there. Example:
    boot2docker ssh-config >> ~/.ssh/config; ssh boot2docker-vm
    """
    from boot2docker_py.guest import names, ssh_config

    session.questions.info()
    block = ssh_config.HostBlock(
        host=names.host_name(session.config.vm),
        address=session.driver.ssh_address(),
        user=names.USER,
        key=session.config.ssh_key,
        known_hosts=session.vm_paths.known_hosts,
    )
    text = block.text()
    if session.as_json:
        facts = {
            "host": block.host,
            "hostname": block.address.host,
            "port": block.address.port,
            "user": block.user,
            "identity_file": block.key,
            "known_hosts": block.known_hosts,
            "ssh_config": text,
        }
        screen.json_object({"vm": session.config.vm, **facts})
    else:
        screen.utf8(text)
