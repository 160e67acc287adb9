"""`dialerctl`: every command of the table as `dialerctl RESOURCE VERB ARGUMENTS`.

Never knows a command that the table does not have: help, arguments and options are made from it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import click
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dialerd.cli.bringing import bring, save
from dialerd.cli.fetching import fetch
from dialerd.cli.showing import show
from dialerd.cli.socket_client import NoDaemonError, ask
from dialerd.cli.terminal import Program
from dialerd.control.commands import COMMANDS
from dialerd.control.table import Command

SOCKET = "DIALERD_SOCKET"
PATIENCE_S = 600.0
LONGEST_S = 86_400.0
"""Seconds to wait for a long command's end."""
DEFAULT_SOCKET = "/run/dialerd/dialerd.sock"


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--socket", "path", envvar=SOCKET, default=DEFAULT_SOCKET, show_default=True, show_envvar=True)
@click.option("--json", "as_json", is_flag=True, help="Print the whole reply as JSON.")
@click.option("--id", "id_", default=None, help="The command's id: given again, it does nothing twice.")
@click.pass_context
def dialerctl(context: click.Context, path: str, as_json: bool, id_: str | None) -> None:
    """Steer a running dialerd through its local socket.

    An argument that begins with @ is read from the file of that name (@- from standard input); mappings may be YAML or JSON.
    """
    context.obj = (path, as_json or sys.stdout is None or not sys.stdout.isatty(), id_)


def _taken(value: str) -> str:
    if not value.startswith("@"):
        return value
    name = value[1:]
    try:
        content = (b"" if sys.stdin is None else sys.stdin.buffer.read()) if name == "-" else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        raise click.ClickException(f"{name}: byte {trouble.start} is no UTF-8; UTF-8 text is allowed") from None
    except OSError as trouble:
        raise click.ClickException(f"{name}: {trouble.strerror}") from None


def _converted(value: Any, field: FieldInfo) -> Any:
    """What the shell gave, as the argument model takes it."""
    if not isinstance(value, str):
        return value
    text = _taken(value)
    mapping = _mapping(field.annotation)
    if mapping is not None or _has_model(field.annotation):
        loader = yaml.BaseLoader if mapping is not None and get_args(mapping)[1] is str else _Texts
        try:
            return json.loads(text)
        except ValueError:
            pass  # not JSON: YAML, then
        try:
            return yaml.load(text, Loader=loader)  # noqa: S506  texts only
        except yaml.YAMLError as trouble:
            raise click.ClickException(f"neither YAML nor JSON: {trouble}") from None
    if _is_list(field.annotation):
        if text.lstrip().startswith("["):
            try:
                return json.loads(text)
            except ValueError as trouble:
                raise click.ClickException(f"not a list in JSON: {trouble}") from None
        return [each.strip() for each in text.split(",")]
    return text


def _is_list(annotation: Any) -> bool:
    """Whether an annotation is a list of texts, or one that may be left out; a text beside it decides for itself."""
    kinds = [each for each in get_args(annotation) if each is not type(None)] or [annotation]
    kinds = kinds if get_origin(annotation) in (Union, UnionType) else [annotation]
    return all(get_origin(kind) is list and get_args(kind)[0] is not dict for kind in kinds)


def _mapping(annotation: Any) -> Any:
    """The dict in an annotation, or None."""
    if get_origin(annotation) is dict:
        return annotation
    return next((found for part in get_args(annotation) if (found := _mapping(part)) is not None), None)


def _has_model(annotation: Any) -> bool:
    """Whether an object with keys of its own is wanted."""
    if isinstance(annotation, type):
        return issubclass(annotation, BaseModel)
    return any(_has_model(part) for part in get_args(annotation))


class _Texts(yaml.BaseLoader):
    """All values stay text, as the models want them, but for nothing at all: null takes a key back to its default."""


_Texts.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^(?:~|null)?$"), ["~", "n", ""])
_Texts.add_constructor("tag:yaml.org,2002:null", lambda loader, node: None)


def _parameters(entry: Command[Any]) -> list[click.Parameter]:
    made: list[click.Parameter] = []
    for name, field in entry.args.model_fields.items():
        text = (field.description or "").replace("\n", " ")
        if field.annotation is bool:
            made.append(click.Option([switch(name), name], default=None, required=field.is_required(), help=text))
        elif field.is_required() or name == POSITIONAL:
            made.append(click.Argument([name], required=field.is_required()))
        elif name == "file" and "upload" in entry.args.model_fields:
            made.append(click.Option(["--file", "bring"], type=click.Path(), default=None, help=_BRING))
            made.append(click.Option(["--file-there", name], default=None, help=text))
        else:
            kind = click.INT if field.annotation is int else click.STRING
            made.append(click.Option([f"--{name.replace('_', '-')}", name], type=kind, default=None, help=text))
    if _makes_a_file(entry):
        made.append(click.Option(["--to"], type=click.Path(), default=None, help=_TO))
    return made


def _makes_a_file(entry: Command[Any]) -> bool:
    found = entry.result.model_fields
    return (entry.how == "job" and "path" in found) or (entry.how == "read" and {"file", "content"} <= set(found))


_BRING = "A list on this computer (CSV, xlsx, xls, xlsb, ods): it is brought to the daemon in pieces."
_TO = "A file, or a folder, to bring the file to; without it the file stays on the daemon's host."


POSITIONAL = "csv"
"""An argument that may be left out and is yet given by its place: a list is, or a file beside it."""
_OPPOSITES = {"on": "off"}
"""What people say for the contrary of an argument's name; all others take --no- before them."""


def switch(name: str) -> str:
    """The two options of an argument that is true or false."""
    option = name.replace("_", "-")
    return f"--{option}/--{_OPPOSITES.get(name, f'no-{option}')}"


def _command(entry: Command[Any]) -> click.Command:
    def give(**given: Any) -> None:
        path, as_json, id_ = click.get_current_context().obj
        fields = entry.args.model_fields
        to = None if "to" in fields else given.pop("to", None)  # an argument of the command, or the shell's own option
        local = given.pop("bring", None)
        if to is not None and given.get("wait") is False:
            raise click.ClickException("--to without --wait: there is no file yet; fetch it later")
        args = {name: _converted(value, fields[name]) for name, value in given.items() if value is not None}
        try:
            if local is not None:
                args["upload"] = bring(path, local)
            reply = ask(path, entry.name, args, id_=id_, timeout_s=LONGEST_S if entry.how == "job" else PATIENCE_S)
            if to is not None and reply.get("ok"):
                result = reply["result"]
                if "content" in result:
                    saved = save(path, entry.name, args, result, to)
                    result.update(content="", file=str(saved))
                else:
                    result["path"] = str(fetch(path, result["job"], result["file"], to))
        except NoDaemonError as trouble:
            raise click.ClickException(str(trouble)) from None
        show(entry.name, reply, as_json)
        if not reply.get("ok"):
            sys.exit(1)

    needs = ", ".join(sorted(entry.roles))
    about = "\n\n".join(
        [f"{entry.summary}. Roles: {needs}."]
        + [
            f"{n.upper()}: {f.description}"
            for n, f in entry.args.model_fields.items()
            if (f.is_required() or n == POSITIONAL) and f.description
        ]
    )
    return click.Command(entry.verb, params=_parameters(entry), callback=give, help=about, short_help=entry.summary)


def _build() -> None:
    groups: dict[str, click.Group] = {}
    for entry in COMMANDS.values():
        if entry.resource not in groups:
            groups[entry.resource] = click.Group(entry.resource, help=f"Commands on {entry.resource}s.")
            dialerctl.add_command(groups[entry.resource])
        groups[entry.resource].add_command(_command(entry))


_build()

__all__ = ["DEFAULT_SOCKET", "SOCKET", "dialerctl"]
