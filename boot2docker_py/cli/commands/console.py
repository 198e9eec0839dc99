"""The command that joins the VM's serial console."""

from __future__ import annotations

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session
from boot2docker_py.drivers.model import IS_ON
from boot2docker_py.errors import UsageError


@app.command()
@with_session
def console(session: Session) -> None:
    """Join the VM's serial console, a way in when SSH is dead.

    Ctrl-] detaches, and so does the end of the input; the VM is not touched by that.

    With QEMU it is always there; with VirtualBox where the VM has a pipe for it, as the original
    made one. Reading alone: boot2docker logs -f console.
    Example: boot2docker console
    """
    if session.as_json:
        raise UsageError("console and --json do not go together", resolution="Omit --json.")
    state = session.questions.state()
    session.questions.refuse_broken(state)
    if state not in IS_ON:
        raise session.questions.wrong_state(state, resolution="boot2docker up")
    from boot2docker_py.guest.serial_console import DETACH_NAME

    name = session.config.vm
    is_detached = session.access.join_console(
        lambda: screen.words(
            f"This is the console of VM '{name}'; {DETACH_NAME} detaches, Enter shows where."
        )
    )
    screen.words(f"\nDetached from VM '{name}'." if is_detached else "\nThe console has ended.")
