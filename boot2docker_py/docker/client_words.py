"""The words of a docker command line, said again for the client in the VM.

Paths of this machine become the guest's; variables that the client would read here are read here.
The tables follow the pages of docs.docker.com/reference/cli: an option that no table calls a switch
has a value. Commands without a table are passed on as they are.
"""

from __future__ import annotations

import re
import shlex
from typing import Callable, Iterator, Mapping, NamedTuple, Sequence

from boot2docker_py.guest.shared_folders import SharedFolders

STREAM = "-"  # stands for the input or the output, where a path could stand


class Form(NamedTuple):
    """What the words after one command mean."""

    switches: str  # options that have no value, separated by spaces
    values: Mapping[str, str]  # what the values of options are, where we must know
    arguments: str = ""  # what the words are that are no options
    ends_at_argument: bool = False  # all behind the first one is for the container


_PATHS_OF_RUN = {"--env-file": "path", "--label-file": "path", "--cidfile": "path"}
_RUN = Form(
    "-d --detach -i --interactive -t --tty --rm --init --privileged -P --publish-all --read-only "
    "--no-healthcheck --oom-kill-disable --sig-proxy --disable-content-trust -q --quiet --help "
    "--use-api-socket",
    {
        **{"-v": "volume", "--volume": "volume", "--mount": "pairs", **_PATHS_OF_RUN},
        **{"-e": "variable", "--env": "variable"},
    },
    ends_at_argument=True,
)
_EXEC = Form(
    "-d --detach -i --interactive -t --tty --privileged --help",
    {"--env-file": "path", "-e": "variable", "--env": "variable"},
    ends_at_argument=True,
)
_BUILD = Form(
    "--compress --disable-content-trust --force-rm --no-cache --pull -q --quiet --rm --squash "
    "--load --push --stream --check -D --debug --help",
    {
        **{"-f": "path", "--file": "path", "--iidfile": "path", "--metadata-file": "path"},
        **{"-o": "pairs", "--output": "pairs", "--secret": "pairs", "--build-context": "named"},
        **{"--build-arg": "variable"},
    },
    arguments="context",
)
FORMS: Mapping[str, Form] = {
    "run": _RUN,
    "create": _RUN,
    "exec": _EXEC,
    "build": _BUILD,
    "cp": Form("-a --archive -L --follow-link -q --quiet --help", {}, arguments="copy"),
    "load": Form("-q --quiet --help", {"-i": "path", "--input": "path"}),
    "save": Form("--help", {"-o": "path", "--output": "path"}),
    "export": Form("--help", {"-o": "path", "--output": "path"}),
    "import": Form("--help", {}, arguments="import"),
}
GLOBAL = Form("-D --debug --tls --tlsverify -v --version -h --help", {}, ends_at_argument=True)
# Words before a command of the table that leave it what it is; others are commands of their own.
GROUPS = {
    "container": {"run", "create", "exec", "cp", "export"},
    "image": {"build", "load", "save", "import"},
    "builder": {"build"},
    "buildx": {"build"},
}


# What docker itself exits with when it, and not the container, has failed.
DOCKER_FAILED = 125


def command_line(words: Sequence[str], folders: SharedFolders, environ: Mapping[str, str]) -> str:
    """Return what the guest's shell runs: the client, in our working folder where it sees that.

    Raises:
        UsageError: a path lies in no shared folder.
    """
    client = "exec " + shlex.join(["docker", *for_guest(words, folders, environ)])
    folder = folders.working_folder()
    if folder is None:
        return client
    complaint = f"boot2docker: '{folder}' is not mounted in the VM; try: boot2docker restart"
    refusal = f"{{ echo {shlex.quote(complaint)} >&2; exit {DOCKER_FAILED}; }}"
    return f"cd {shlex.quote(folder)} || {refusal}; {client}"


def for_guest(
    words: Sequence[str], folders: SharedFolders, environ: Mapping[str, str]
) -> list[str]:
    """Return the words for the client in the guest.

    Raises:
        UsageError: a path lies in no shared folder.
    """
    parts = list(_read(GLOBAL, words))
    first = next((index for index, part in enumerate(parts) if part.is_argument), len(parts))
    head, tail = list(words[:first]), list(words[first:])
    if len(tail) > 1 and tail[1] in GROUPS.get(tail[0], ()):
        head.append(tail.pop(0))
    form = FORMS.get(tail[0]) if tail else None
    if form is None:
        return [*head, *tail]
    meaning = _Meaning(folders, environ)
    said = [meaning.said(part) for part in _read(form, tail[1:])]
    return [*head, tail[0], *said]


class _Part(NamedTuple):
    """One word: what stands before its value, the value, and what kind that is."""

    prefix: str
    value: str
    kind: str
    is_argument: bool = False


def _read(form: Form, words: Sequence[str]) -> Iterator[_Part]:
    """Return a part for each word."""
    switches = set(form.switches.split())
    waiting = ""  # an option whose value is the next word
    arguments = 0
    options_end = False
    for word in words:
        if waiting:
            yield _Part("", word, form.values.get(waiting, ""))
            waiting = ""
        elif options_end or not word.startswith("-") or word == STREAM:
            kind = f"{form.arguments}{arguments}" if form.arguments else ""
            arguments += 1
            options_end = options_end or form.ends_at_argument
            yield _Part("", word, kind, is_argument=True)
        elif word == "--":
            options_end = True
            yield _Part("", word, "")
        else:
            option, prefix, value = _option(word, switches)
            has_value = bool(value) or prefix.endswith("=")
            if option and not has_value:
                waiting = option
            yield _Part(prefix, value, form.values.get(option, "") if has_value else "")


def _option(word: str, switches: set[str]) -> tuple[str, str, str]:
    """Return the option that takes a value, what stands before the value, and the value."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return ("" if name in switches else name), name + equals, value
    for index, letter in enumerate(word[1:], start=1):
        if f"-{letter}" not in switches:
            equals = "=" if word[index + 1 : index + 2] == "=" else ""
            end = index + 1 + len(equals)
            return f"-{letter}", word[:end], word[end:]
    return "", word, ""


class _Meaning:
    """What each kind of value is in the guest."""

    def __init__(self, folders: SharedFolders, environ: Mapping[str, str]) -> None:
        self._folders = folders
        self._environ = environ

    def said(self, part: _Part) -> str:
        """Return the word for the guest."""
        kinds: Mapping[str, Callable[[str], str]] = {
            "path": self._file,
            "volume": self._volume,
            "pairs": self._pairs,
            "named": self._named,
            "variable": self._variable,
            "context0": self._place,
            "import0": self._place,
            "copy0": self._side_of_copy,
            "copy1": self._side_of_copy,
        }
        say = kinds.get(part.kind)
        return part.prefix + (say(part.value) if say else part.value)

    def _file(self, value: str) -> str:
        return value if value in ("", STREAM) else self._folders.in_guest(value)

    def _place(self, value: str) -> str:
        """Return a folder or file that could also be an address (git, HTTP) or a stream."""
        is_address = "://" in value or value.startswith(("git@", "github.com/"))
        return value if is_address else self._file(value)

    def _volume(self, value: str) -> str:
        drive_or_vm = "vm:/" if value.startswith("vm:/") else ""
        if self._folders.is_windows and re.match(r"[A-Za-z]:[\\/]", value):
            drive_or_vm = value[:3]
        source, colon, rest = value[len(drive_or_vm) :].partition(":")
        source = drive_or_vm + source
        # `vm:/data` alone is a volume called vm.
        if not colon or not self._folders.looks_like_path(source):
            return value
        if drive_or_vm == "vm:/" and not rest.startswith("/"):
            return value
        return self._folders.in_guest(source) + colon + rest

    def _pairs(self, value: str) -> str:
        """Return KEY=VALUE,... in which source and target of this machine are paths."""
        if "=" not in value:
            return self._file(value)
        fields = dict(pair.partition("=")[::2] for pair in value.split(","))
        kind = fields.get(
            "type", "volume" if {"target", "dst", "destination"} & set(fields) else ""
        )
        if kind in ("volume", "tmpfs", "npipe", "image", "env", "registry"):
            return value
        paths = {"source", "src"} if kind == "bind" else {"src", "source", "dest"}
        return ",".join(
            f"{key}={self._file(path)}" if key in paths else key + equals + path
            for key, equals, path in (pair.partition("=") for pair in value.split(","))
        )

    def _named(self, value: str) -> str:
        name, equals, place = value.partition("=")
        is_path = self._folders.looks_like_path(place)
        return name + equals + (self._folders.in_guest(place) if is_path else place)

    def _variable(self, value: str) -> str:
        """Return NAME=VALUE for a NAME that is set here, as the client takes it from here."""
        is_set_here = "=" not in value and value in self._environ
        return f"{value}={self._environ[value]}" if is_set_here else value

    def _side_of_copy(self, value: str) -> str:
        is_drive = self._folders.is_windows and re.match(r"[A-Za-z]:[\\/]", value)
        is_here = is_drive or value.startswith((".", "/")) or ":" not in value
        return self._file(value) if is_here else value
