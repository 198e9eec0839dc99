"""Mistakes on the command line, in our words: click's own end here."""

from __future__ import annotations

import click
from click import exceptions

from boot2docker_py.errors import UsageError


def as_usage_error(problem: click.ClickException) -> UsageError:
    """Return click's exception as an error of ours, with the help that lists what is right."""
    context = getattr(problem, "ctx", None)
    words = context.command_path.split() if context else ["boot2docker"]
    topic = " ".join(words[1:]) or "options"
    return UsageError(_words(problem, context), resolution=f"boot2docker help {topic}")


def _words(problem: click.ClickException, context: click.Context | None) -> str:
    if isinstance(problem, exceptions.NoSuchOption):
        return f"there is no option {problem.option_name}{_nearest(problem.option_name, context)}"
    if isinstance(problem, exceptions.MissingParameter):
        return f"{_name(problem.param)} is missing"
    if isinstance(problem, exceptions.BadParameter):
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
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


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
