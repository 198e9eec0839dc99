"""`boot2docker set`: what one VM alone is to be, and from when on."""

from __future__ import annotations

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import answer, engine_is_up, with_session
from boot2docker_py.cli.completion import values
from boot2docker_py.cli.session import Session
from boot2docker_py.config import shown_of
from boot2docker_py.config.profile import value_as_toml
from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.errors import UsageError
from boot2docker_py.machine import changing

# These are about the command, and not what is set.
OF_THE_COMMAND = ("vm", "driver", "timeout_s", "verbose", "color")
NAMES = [one.flag[2:] for one in SETTINGS if one.field in changing.SETTABLE]


@app.command("set", named=" ".join(changing.SETTABLE))
@click.option("--restart", is_flag=True, help="Let a VM that runs have it now, by a restart.")
@click.option(
    "--unset",
    multiple=True,
    metavar="SETTING",
    help="Let SETTING be as if never set.",
    shell_complete=values.of_metavar("|".join(NAMES)),
)
@with_session
def set_(session: Session, *, restart: bool, unset: tuple[str, ...]) -> None:
    """Change memory, CPUs, disk, ports or shares of the VM.

    Each answer says when it takes effect: at once, or at the next boot. A disk only grows; what is
    on it stays. Alone, it says what has been set.

    Example: boot2docker set --memory 4g --cpus 2 --restart
    boot2docker set --disksize 40g
    """
    given = {k: v for k, v in session.config.given().items() if k not in OF_THE_COMMAND}
    removed = [_field_of(word) for word in unset]
    if both := sorted(set(given) & set(removed)):
        raise UsageError(f"{both[0]} is both set and unset")
    if restart and not given and not removed:
        raise UsageError("--restart goes with a setting", resolution="boot2docker restart")
    if not given and not removed:
        _show(session)
        return
    done = session.vm.set(restart=restart, unset=removed, **given)
    shown = [one._replace(value=shown_of(one.field, one.value)) for one in done.settings]
    facts = [one._asdict() for one in shown]
    for one in shown if not session.as_json else ():
        screen.words(_words(one))
    if done.was_restarted:
        engine_is_up(session, done.found, settings=facts, restarted=True)
        return
    waits = any(one.takes_effect != changing.NOW for one in done.settings)
    is_on = session.driver.state().value not in ("poweroff", "aborted")
    words = "To have it now: boot2docker restart" if waits and is_on else ""
    state = session.driver.state().value
    answer(session, words, found=done.found.value, state=state, settings=facts, restarted=False)


def _show(session: Session) -> None:
    """Say what has been set for this VM."""
    own = session.vm.own_settings()
    if session.as_json:
        screen.json_object({"vm": session.config.vm, "set": own})
    elif not own:
        screen.words(f"Nothing is set for VM '{session.config.vm}' alone.")
    for setting in SETTINGS if not session.as_json else ():
        if setting.field in own:
            screen.data(f"{setting.key} = {value_as_toml(own[setting.field])}")


def _field_of(word: str) -> str:
    """Return the setting that is called so, by its key, its flag, or as in `--json`."""
    for setting in SETTINGS:
        names = (setting.key, setting.former_key, setting.field, setting.flag, setting.flag[2:])
        if word and word.lower() in map(str.lower, names):
            return setting.field
    raise UsageError(f"there is no setting '{word}'", resolution="boot2docker help set")


def _words(one: changing.Setting) -> str:
    what = f"{one.flag} {_plain(one.value)}" if one.value is not None else f"{one.flag} is unset"
    return f"{what}: {one.takes_effect}."


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
