"""How docker is pointed at the engine of the VM, and what the user hears of it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from boot2docker_py.cli import screen
from boot2docker_py.cli.status_line import duration
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import Boot2DockerError

if TYPE_CHECKING:
    from boot2docker_py.cli.session import Session

TOLD_FROM_S = 1.0

log = logging.getLogger(__name__)


def publish_context(session: Session, *, use: bool) -> dict[str, object]:
    """Make or renew the docker context; return its name and whether docker uses it now.

    The engine is up whatever becomes of the context, so that a fault is only a warning, except
    with `use`, which was asked for.
    """
    context = session.context
    name: str | None = None
    is_used = False
    try:
        is_new = context.publish(session.endpoint.docker_host)
        name = context.name
        if use or (is_new and context.is_free_to_use(os.environ, engine_of_others(session))):
            context.use()
        is_used = context.is_used(os.environ)
    except Boot2DockerError as problem:
        if use:
            raise
        log.warning("%s", problem.in_a_line())
    if use and not is_used:
        overriding = "DOCKER_HOST" if os.environ.get("DOCKER_HOST") else "DOCKER_CONTEXT"
        log.warning(
            "Context '%s' is current, but %s is set and takes precedence.", name, overriding
        )
    return {"context": name, "context_in_use": is_used}


def engine_of_others(session: Session) -> Path | None:
    """Return docker's default place for an engine, None when we serve it ourselves."""
    from boot2docker_py.docker.contexts import default_engine
    from boot2docker_py.host import named_pipe

    health = session.endpoint.status()
    is_ours = health and health.serves(named_pipe.docker_host(named_pipe.DOCKER_DEFAULT))
    return None if is_ours else default_engine()


def say(session: Session, context: object, *, is_used: bool) -> None:
    """Tell a person how docker finds the engine; the shell's line only where it is needed."""
    vm = session.config.vm
    if is_used:
        screen.words(f"The engine answers; docker uses it (context '{context}').")
        return
    screen.words(f"The engine of VM '{vm}' answers. For docker to use it:")
    if context:
        screen.words(f"docker --context {context} ...")
        screen.words("or, in this shell:")
    from boot2docker_py.docker import shells

    screen.code([shells.set_line(session.shell, "DOCKER_HOST", session.endpoint.docker_host)])


def say_what_is_next(session: Session, context: object, *, is_used: bool, found: State) -> None:
    """Tell a person how long it took, and what to type next where that is news."""
    took_s = session.deadline.passed_s()
    took = f"That took {duration(took_s)}. " if took_s >= TOLD_FROM_S else ""
    if found is State.RUNNING:
        if took:
            screen.words(took.rstrip())
        return
    docker = "docker" if is_used or not context else f"docker --context {context}"
    screen.words(f"{took}Next: {docker} run hello-world")


def say_what_is_left(session: Session) -> None:
    """Tell a person whose shell still points at the VM that is deleted what takes that back."""
    if os.environ.get("DOCKER_HOST") == session.endpoint.docker_host:
        from boot2docker_py.docker import shells

        screen.words("This shell still points docker at it. To take that back:")
        screen.words(shells.hint(session.shell, "boot2docker shellinit --unset"))
