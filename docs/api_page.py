"""The page docs/api.md, from the docstrings of the Python API and of the plugin for pytest."""

from __future__ import annotations

import ast
import inspect
from typing import Callable, Iterator, Union

from boot2docker_py import api, pytest_plugin

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


def api_page() -> str:
    """Return docs/api.md."""
    module, plugin = (ast.parse(inspect.getsource(source)) for source in (api, pytest_plugin))
    parts = [
        "# The Python API",
        "Made from the docstrings by `make docs`. What the states mean, and what each verb does in "
        "each of them: [states.md](states.md). Snapshots: [snapshots.md](snapshots.md).",
        _text(module),
        "## VM",
        inspect.getdoc(api.VM) or "",
        *(line for part in _parts_of(api.VM) for line in _methods(part)),
        "## All VMs",
        *_function(api.ls),
        "## pytest",
        _text(plugin),
        *_fixtures(plugin),
    ]
    return "\n\n".join(parts) + "\n"


def _parts_of(vm: type) -> Iterator[ast.ClassDef]:
    """Yield the classes that the VM is made of, in the order in which they are read."""
    *subjects, common = [one for one in vm.__mro__ if one.__module__.startswith(api.__name__)]
    for one in (common, *subjects[1:], vm):
        (part,) = ast.parse(inspect.getsource(one)).body
        assert isinstance(part, ast.ClassDef)
        yield part


def _methods(vm: ast.ClassDef) -> Iterator[str]:
    for node in vm.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        names = {"__init__": "VM", "__enter__": "with VM(...) as vm"}
        if node.name.startswith("_") and node.name not in names:
            continue
        is_property = any(ast.unparse(one) == "property" for one in node.decorator_list)
        title = names.get(node.name, f"vm.{node.name}")
        yield f"### {title}"
        if node.name != "__enter__":
            yield f"```text\n{_signature(node, title, is_property=is_property)}\n```"
        yield _text(node)


def _function(function: Callable[..., object]) -> Iterator[str]:
    (node,) = ast.parse(inspect.getsource(function)).body
    assert isinstance(node, ast.FunctionDef)
    yield f"### {node.name}"
    given = ast.unparse(node.args)
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    yield f"```text\n{node.name}({given}){result}\n```"
    yield _text(node)


def _fixtures(plugin: ast.Module) -> Iterator[str]:
    for node in plugin.body:
        if isinstance(node, ast.FunctionDef) and "fixture" in ast.unparse(node.decorator_list[:1]):
            yield f"### {node.name}"
            yield _text(node)


def _signature(node: Function, title: str, *, is_property: bool) -> str:
    result = f" -> {_kind(node.returns)}" if node.returns and title != "VM" else ""
    if is_property:
        return f"{title}{result}"
    given = list(_arguments(node.args))
    line = f"{title}({', '.join(given)}){result}"
    below = "".join(f"    {one},\n" for one in given)
    return line if len(line) <= 96 else f"{title}(\n{below}){result}"


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    positional = arguments.args[1:]  # without self
    missing = len(positional) - len(arguments.defaults)
    for one, default in zip(positional, [*[None] * missing, *arguments.defaults]):
        yield _argument(one, default)
    if arguments.kwonlyargs:
        yield "*"
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        yield _argument(one, default)
    if arguments.kwarg:
        yield f"**{arguments.kwarg.arg}"


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    kind = f": {_kind(one.annotation)}" if one.annotation else ""
    return f"{one.arg}{kind}{f' = {ast.unparse(default)}' if default else ''}"


def _kind(annotation: ast.expr) -> str:
    return ast.unparse(annotation).replace("AnyVM", "VM")


def _text(node: ast.Module | ast.ClassDef | Function) -> str:
    text = ast.get_docstring(node) or ""
    head, raises, errors = text.partition("Raises:\n")
    if not raises:
        return text
    rows = inspect.cleandoc(errors).splitlines()
    items = [row if row.startswith(" ") else f"- {row}" for row in rows]
    return f"{head}Raises:\n\n" + "\n".join(items)
