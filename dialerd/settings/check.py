"""`dialerd check`: the configuration with what stands around it on this host: secrets, folders, certificates (O01, O04).

Never starts anything, writes nothing, and never shows a secret.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dialerd.model.plain_words import KeyPath
from dialerd.model.wording import clean, path_text, quoted
from dialerd.settings.files import Unreadable, read_bytes, world_readable
from dialerd.settings.folders import folder_troubles
from dialerd.settings.read import Looked, look
from dialerd.settings.secrets import NoSecret, secret, secret_path
from dialerd.settings.shape import Settings
from dialerd.settings.tree import Tree
from dialerd.settings.trouble import Trouble, in_order
from dialerd.settings.yaml_lines import LONGEST


class Checked(NamedTuple):
    """All troubles, warnings among them, and lines that sum the configuration up."""

    troubles: list[Trouble]
    summary: list[str]

    @property
    def good(self) -> bool:
        """Whether the daemon can start with it: no trouble but warnings."""
        return all(trouble.warning for trouble in self.troubles)


def check(path: str | os.PathLike[str], env: Mapping[str, str]) -> Checked:
    """All that is wrong with the configuration in `path` and around it, for the user that asks.

    `env` gives STATE_DIRECTORY, RUNTIME_DIRECTORY and CREDENTIALS_DIRECTORY. Raises nothing for bad input.
    """
    looked = look(path, env)
    troubles = list(looked.troubles)
    if looked.rest is not None and looked.tree is not None:
        places = {(trouble.file, trouble.key) for trouble in troubles if not trouble.warning}
        around = _around(looked.rest, looked.tree, env, looked.broken)
        troubles += [trouble for trouble in around if (trouble.file, trouble.key) not in places]
    return Checked(in_order(troubles, os.fsdecode(path)), _summary(looked, troubles))


def _around(settings: Settings, tree: Tree, env: Mapping[str, str], broken: frozenset[KeyPath]) -> Iterator[Trouble]:
    """What stands around all that is not `broken` in its own shape."""
    for key, server in settings.servers.items():
        if {("servers",), ("servers", key)} & broken or not (server.secret_file or server.secret_credential):
            continue
        yield from _secret(tree, ("servers", key), "secret", server.secret_file, server.secret_credential, env)
    mqtt = settings.mqtt
    if mqtt is not None and mqtt.has_password:
        yield from _secret(tree, ("mqtt",), "password", mqtt.password_file, mqtt.password_credential, env)
    mail = settings.mail
    if mail is not None and mail.has_password:
        yield from _secret(tree, ("mail",), "password", mail.password_file, mail.password_credential, env)
    if mail is not None and mail.ca_file is not None:
        yield from _certificate(tree, ("mail", "ca_file"), mail.ca_file, False)
    if mqtt is not None and mqtt.tls is not None:
        tls = mqtt.tls
        for name, file, private in (
            ("ca_file", tls.ca_file, False),
            ("cert_file", tls.cert_file, tls.key_file is None),
            ("key_file", tls.key_file, True),
        ):
            if file is not None:
                yield from _certificate(tree, ("mqtt", "tls", name), file, private)
    yield from folder_troubles(settings, tree, broken)
    if {("store",), ("socket",)} & broken:
        return  # the socket's folder is the store's if nothing else is said
    yield from _place(tree, ("store", "path"), settings.store.path, stat.S_ISREG, "a file")
    yield from _place(tree, ("socket", "path"), settings.socket.path, stat.S_ISSOCK, "a socket")


def _secret(
    tree: Tree, section: KeyPath, name: str, file: str | None, credential: str | None, env: Mapping[str, str]
) -> Iterator[Trouble]:
    key = (*section, f"{name}_file" if credential is None else f"{name}_credential")
    if credential is not None and not env.get("CREDENTIALS_DIRECTORY"):
        found = f"{quoted(credential)}, not checked without $CREDENTIALS_DIRECTORY"
        yield tree.trouble(key, found, f"LoadCredential={credential}:... in the systemd unit", warning=True)
        return
    try:
        secret(file, credential, env, Path())
    except NoSecret as trouble:
        yield tree.trouble(key, trouble.found, trouble.allowed)
        return
    if world_readable(secret_path(file, credential, env, Path())):
        yield tree.trouble(key, "a file that every user may read", "permissions such as 0600", warning=True)


def _certificate(tree: Tree, key: KeyPath, file: str, private: bool) -> Iterator[Trouble]:
    try:
        content = read_bytes(file, LONGEST)
    except Unreadable as trouble:
        yield tree.trouble(key, f"{path_text(file)}: {trouble}", "a PEM file that this user may read")
        return
    if b"-----BEGIN " not in content:
        yield tree.trouble(key, f"{path_text(file)}, which holds no PEM block", "a PEM file")
    if private and world_readable(file):
        yield tree.trouble(key, "a private key that every user may read", "permissions such as 0600", warning=True)


def _place(tree: Tree, key: KeyPath, path: str, is_kind: Callable[[int], bool], kind: str) -> Iterator[Trouble]:
    """The folder of something the daemon makes, and what may stand there from an earlier run."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        yield tree.trouble(key, f"no folder {path_text(folder)}", "a path in a folder that exists")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield tree.trouble(
            key, f"the folder {path_text(folder)}, where this user may not write", "a folder that he may write"
        )
        return
    try:
        mode = os.lstat(path).st_mode if kind == "a socket" else os.stat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as trouble:
        yield tree.trouble(key, f"{path_text(path)} ({trouble.strerror})", kind)
        return
    if not is_kind(mode):
        yield tree.trouble(key, f"{path_text(path)}, which is not {kind}", f"{kind}, or nothing there")
    elif not os.access(path, os.R_OK | os.W_OK):
        yield tree.trouble(key, f"{path_text(path)}, where this user may not write", f"{kind} that he may write")


def _summary(looked: Looked, troubles: list[Trouble]) -> list[str]:
    warnings = sum(trouble.warning for trouble in troubles)
    errors = len(troubles) - warnings
    counts = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    settings = looked.settings
    if settings is None:
        return [counts]
    mqtt, mail, http = settings.mqtt, settings.mail, settings.http
    broker = "none" if mqtt is None else f"{mqtt.host}:{mqtt.port}" + (" with TLS" if mqtt.tls is not None else "")
    return [
        f"instance  {settings.instance}",
        f"store     {clean(settings.store.path, 4096)} (synchronous {settings.store.synchronous})",
        f"socket    {clean(settings.socket.path, 4096)} (mode {settings.socket.mode})",
        f"mqtt      {broker}",
        f"mail      {'none' if mail is None else f'{mail.host}:{mail.port_number} ({mail.tls})'}",
        f"http      {'off' if http.port == 'off' else f'{http.host}:{http.port}'}",
        "floor     "
        + ", ".join(
            f"{name} {len(part)}"
            for name in type(settings.floor()).model_fields
            if isinstance(part := getattr(settings, name), dict)
        ),
        counts,
    ]
