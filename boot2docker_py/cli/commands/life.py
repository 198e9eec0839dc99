"""The commands, a few lines each: one call to the machine, one answer."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from boot2docker_py import __version__
from boot2docker_py import config as configuration
from boot2docker_py.cli import pointing, screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.session import Session
from boot2docker_py.drivers.model import State, in_words
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from boot2docker_py.endpoint.status import ForwarderStatus
    from boot2docker_py.machine.life import Machine

log = logging.getLogger(__name__)

# How long `info` may wait for a guest that was answering a moment ago.
ASK_S = 5.0

with_session = click.make_pass_decorator(Session)

OFF = ("VM '{vm}' is off.", "VM '{vm}' was not running: it is {state}.")
SAVED = "To go on: boot2docker up; to throw its memory away: boot2docker poweroff --discard-saved"

# What people give most often; `help options` has the others.
WHEN_MADE = "memory_mb cpus disk_mb"
AT_BOOT = "vbox_share"
OF_IMAGES = "iso_url iso sha256 allow_unverified cacert offline force_upgrade_download"


def answer(session: Session, words: str, **facts: object) -> None:
    """Say what was done: words for a person, an object for `--json`."""
    if session.as_json:
        screen.json_object({"vm": session.config.vm, **facts})
    elif words:
        screen.words(words)


def _changed(session: Session, found: State, done: str, already: str) -> None:
    """Answer a command that changes the state; `already` is for when there was nothing to do."""
    now = session.driver.state()
    words = (already if now is found else done).format(vm=session.config.vm, state=in_words(found))
    if now is State.SAVED and found is now:
        words += f" {SAVED}"
    answer(session, words, found=found.value, state=now.value, **timed(session))


@app.command(shown=WHEN_MADE, named="iso_url ssh_port docker_port")
@with_session
def init(session: Session) -> None:
    """Make the VM without starting it.

    The image is fetched first, if there is none.

    Example: boot2docker init --memory 4096 --disksize 40000
    """
    made = session.vm.init()
    name = session.config.vm
    words = f"VM '{name}' is made; start it with: boot2docker up"
    words = words if made else f"VM '{name}' exists already."
    answer(session, words, created=made, **timed(session))


@app.command(shown=WHEN_MADE, named=f"{AT_BOOT} iso_url publish")
@click.option(
    "--discard-saved", is_flag=True, help="Boot, instead of restoring; the saved memory is lost."
)
@click.option("--use", is_flag=True, help="Make the VM's docker context current, whichever is now.")
@with_session
def up(session: Session, *, discard_saved: bool, use: bool) -> None:
    """Bring VM and engine up, from any state.

    The VM is made if there is none. Its docker context, `boot2docker` or the VM's name, becomes
    current when it is new and no other engine was chosen. Aliases: start, boot, resume.
    Example: boot2docker up --timeout 600
    """
    engine_is_up(session, session.vm.up(discard_saved=discard_saved), use=use)


def engine_is_up(session: Session, found: State, *, use: bool = False, **facts: object) -> None:
    """Publish the context, and answer a command that has brought the engine up."""
    docker_host = session.endpoint.docker_host
    context = pointing.publish_context(session, use=use)
    facts.update(found=found.value, state="running", docker_host=docker_host, **context)
    answer(session, "", **{**timed(session), **facts})
    if not session.as_json:
        name, is_used = context["context"], bool(context["context_in_use"])
        pointing.say(session, name, is_used=is_used)
        pointing.say_what_is_next(session, name, is_used=is_used, found=found)
        _say_what_is_newer(session)


def timed(session: Session, machine: Machine | None = None) -> dict[str, object]:
    """Return how long the command and each of its steps took, for `--json`."""
    done = (machine or session.machine).steps.done()
    steps = [{"step": one.step, "seconds": one.seconds} for one in done]
    return {"seconds": round(session.deadline.passed_s(), 3), "steps": steps}


def _say_what_is_newer(session: Session) -> None:
    """Say once a day what there is to upgrade, from what is known without asking."""
    if not session.config.notices:
        return
    from boot2docker_py.machine.images import notices

    for notice in notices.due(
        session.paths.notices, __version__, lambda: session.images, session.config.iso
    ):
        screen.words(notice)


@app.command()
@click.option("--force", "-f", is_flag=True, help="Cut the power when the time has passed.")
@with_session
def down(session: Session, *, force: bool) -> None:
    """Shut the VM down, as its power button does.

    Aliases: stop, halt. Example: boot2docker down --timeout 60 --force
    """
    found = session.vm.down(force=force)
    _changed(session, found, *OFF)


@app.command()
@click.option("--discard-saved", is_flag=True, help="Throw away the memory of a saved VM, too.")
@with_session
def poweroff(session: Session, *, discard_saved: bool) -> None:
    """Cut the VM's power.

    What its memory held is lost; a saved state is not.

    Example: boot2docker poweroff
    """
    found = session.vm.power_off(discard_saved=discard_saved)
    _changed(session, found, *OFF)


@app.command(shown=AT_BOOT)
@with_session
def restart(session: Session) -> None:
    """Shut the VM down and bring it up again.

    Example: boot2docker restart
    """
    engine_is_up(session, session.vm.restart())


@app.command()
@with_session
def save(session: Session) -> None:
    """Save the VM's memory to disk and stop it.

    `up` goes on from there.

    Alias: suspend. Example: boot2docker save
    """
    found = session.vm.save()
    _changed(session, found, "VM '{vm}' is saved.", "VM '{vm}' was saved already.")


@app.command()
@with_session
def status(session: Session) -> None:
    """Print the state of the VM in one word.

    Example: test "$(boot2docker status)" = running
    """
    state = session.questions.state().value
    if session.as_json:
        facts = {"state": state, "driver": session.driver.name}
        screen.json_object({"vm": session.config.vm, **facts, "forwarder": _forwarder(session)})
    else:
        screen.data(state)


def _forwarder(session: Session) -> object:
    health = session.endpoint.status()
    return health and health.as_dict()


@app.command()
@with_session
def info(session: Session) -> None:
    """Print what the VM is made of, in JSON.

    Example: boot2docker info
    """
    vm, state = session.questions.info()
    health = session.endpoint.status()
    facts = {
        "Name": vm.name,
        "UUID": vm.uuid,
        "Iso": vm.iso,
        "State": state.value,
        "CPUs": vm.cpus,
        "Memory": vm.memory_mb,
        "CfgFile": vm.config_file,
        "BaseFolder": vm.folder,
        "DockerPort": vm.docker_port,
        "SSHPort": vm.ssh_port,
        "SerialFile": vm.console_log or vm.console_socket or "",
        "Driver": session.driver.name,
        "Disk": vm.disk,
        "DiskSize": vm.disk_mb,
        "IP": _ip_if_known(session, state, health),
        "DockerHost": session.endpoint.docker_host,
        "Forwarder": health and health.as_dict(),
    }
    import json

    screen.data(json.dumps(facts, indent="\t", default=str))


def _ip_if_known(session: Session, state: State, health: ForwarderStatus | None) -> str:
    """Return the address where the VM runs and answers, else nothing: `info` does not wait."""
    is_up = health is not None and health.phase.value == "forwarding"
    if state.value != "running" or (session.driver.host_only_mac() and not is_up):
        return ""
    try:
        return session.access.ip(Deadline(ASK_S))
    except Boot2DockerError as problem:
        log.debug("No address: %s (%s)", problem.brief, problem.details)
        return ""


@app.command()
@with_session
def ip(session: Session) -> None:
    """Print the address of the running VM.

    That is the one on its host-only network, else 127.0.0.1.

    A port that a container publishes is reached there: "http://$(boot2docker ip):8080".

    Example: boot2docker ip
    """
    host = session.access.ip()
    if session.as_json:
        screen.json_object({"vm": session.config.vm, "ip": host})
    else:
        screen.data(host)


@app.command()
@with_session
def config(session: Session) -> None:
    """Print the settings in force.

    The output is a profile, with the place that each setting comes from.

    Alias: cfg. Example: boot2docker config --memory 4g
    """
    if session.as_json:
        screen.json_object(configuration.as_dict(session.config))
    else:
        screen.data(configuration.as_toml(session.config).rstrip("\n"))


@app.command()
@click.option("--force", "-f", "--yes", "-y", "force", is_flag=True, help="Do not ask.")
@with_session
def delete(session: Session, *, force: bool) -> None:
    """Delete the VM and its disk.

    Its images and containers go with it; on a terminal you are asked first.

    Alias: destroy. The image on this machine and the SSH key stay. Example: boot2docker delete -f
    """
    name = session.config.vm
    is_asked = not force and sys.stdin.isatty() and sys.stderr.isatty()
    if is_asked and session.vm.state is not State.ABSENT:
        question = f"Delete VM '{name}' and all that is on its disk?"
        if not screen.confirmed(question):
            raise Boot2DockerError(f"VM '{name}' is not deleted", details="You said no.")
    was_there = session.vm.delete()
    words = f"VM '{name}' is deleted." if was_there else f"There is no VM '{name}'."
    answer(session, words, deleted=was_there)
    pointing.say_what_is_left(session)


def pages_of_help(
    context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Complete the topics of `help`."""
    from click.shell_completion import CompletionItem

    group = context.parent
    more = [name for name in ("all", "options") if name.startswith(begun)]
    items = group.command.shell_complete(group, begun) if group else []
    return [*items, *map(CompletionItem, more)]


@app.command("help")
@click.argument("command", required=False, shell_complete=pages_of_help)
@click.pass_context
def help_(context: click.Context, command: str | None) -> None:
    """Show what a command does.

    `help all` lists every command, `help options` every option.
    Example: boot2docker help up
    """
    from boot2docker_py.cli import help as pages

    group = context.parent
    assert group is not None
    if command is None:
        click.echo(pages.first_page())
    elif command == "all":
        click.echo(pages.all_commands())
    elif command == "options":
        click.echo(pages.all_options(group))
    else:
        _name, found, _rest = app.resolve_command(group, [command])
        assert found is not None
        with click.Context(found, info_name=command, parent=group) as inner:
            click.echo(found.get_help(inner))
