"""Mistakes on the command line, in our words: click's own end here."""

from __future__ import annotations

from typing import Iterable

import click
from click import exceptions

from boot2docker_py.errors import UsageError


def unknown_action(command: str, action: str, known: Iterable[str]) -> UsageError:
    """Return the error for what a command cannot be told to do."""
    hint = nearest(action, known, 0.5)
    return UsageError(
        f"{command} does not know '{action}'{hint}", resolution=f"boot2docker help {command}"
    )


def nearest(
    word: str, known: Iterable[str], likeness: float, question: str = "; did you mean '{}'?"
) -> str:
    """Return the question whether the nearest of these was meant, empty when none is near."""
    import difflib

    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=likeness)
    return question.format(near[0]) if near else ""


def as_usage_error(problem: click.ClickException) -> UsageError:
    """Return click's exception as an error of ours, with the help that lists what is right."""
    context = getattr(problem, "ctx", None)
    words = context.command_path.split() if context else ["boot2docker"]
    topic = " ".join(words[1:]) or "options"
    return UsageError(_words(problem, context), resolution=f"boot2docker help {topic}")


def _words(problem: click.ClickException, context: click.Context | None) -> str:
    if isinstance(problem, exceptions.NoSuchOption):
        hint = _nearest(problem.option_name, context)
        if not hint and context and isinstance(context.command, click.Group):
            hint = "; a command's own options go behind it"
        return f"there is no option {problem.option_name}{hint}"
    if isinstance(problem, exceptions.MissingParameter):
        return f"{_name(problem.param)} is missing"
    if isinstance(problem, exceptions.BadParameter):
        if problem.param and isinstance(problem.param.type, click.types.IntParamType):
            least = getattr(problem.param.type, "min", None)
            of_which = "" if least is None else f", {least} or more"
            return f"{_name(problem.param)} must be a whole number{of_which}"
        return f"{_name(problem.param)}: {_as_clause(problem.message)}"
    if isinstance(problem, exceptions.BadOptionUsage):
        return f"{problem.option_name} {_after_name(problem.message)}"
    return _as_clause(problem.format_message())


def _nearest(name: str, context: click.Context | None) -> str:
    """Return the question whether the nearest option was meant, empty when none is near."""
    known = [
        option
        for parameter in (context.command.get_params(context) if context else [])
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    ]
    return nearest(name, known, 0.7, "; did you mean {}?")


def _name(parameter: click.Parameter | None) -> str:
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return (parameter.metavar or parameter.human_readable_name).strip("[].") if parameter else ""


def _after_name(message: str) -> str:
    if "requires an argument" in message:
        return "needs a value behind it"
    if "does not take a value" in message:
        return "takes no value"
    return _as_clause(message)


def _as_clause(sentence: str) -> str:
    """Return a sentence of click's as it stands behind "error: "."""
    clause = sentence.strip().rstrip(".")
    return clause[:1].lower() + clause[1:]
