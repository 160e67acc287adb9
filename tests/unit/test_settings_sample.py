"""The configuration that is shipped works, and shows and explains every key there is (O01)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from dialerd.model.policies import Campaign
from dialerd.settings.read import look
from dialerd.settings.shape import Settings
from dialerd.settings.tree import Tree
from dialerd.settings.yaml_lines import compose

CONFIG = Path(__file__).parents[2] / "config"
SAMPLES: dict[str, type[BaseModel]] = {"dialerd.yaml": Settings, "campaigns/example.yaml": Campaign}
_OFF = re.compile(r"^( *)#([a-z_]+:)", re.MULTILINE)
_KEY = re.compile(r"^ *#?([A-Za-z0-9_-]+):")


def switched_on(name: str) -> str:
    """A sample with its `#key:` lines as keys."""
    return _OFF.sub(r"\1\2", (CONFIG / name).read_text())


def data(name: str) -> Any:
    root, troubles = compose(name, switched_on(name).encode())
    assert troubles == []
    assert root is not None
    return Tree(root).data()


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def missing(model: type[BaseModel], values: list[Any], at: str) -> Iterator[str]:
    """Keys of `model` that none of `values` shows."""
    for name, field in model.model_fields.items():
        shown = [value[name] for value in values if isinstance(value, dict) and name in value]
        if not shown:
            yield f"{at}{name}"
        for inner in models_in(field.annotation):
            if inner is Campaign:
                continue  # in a file of its own
            is_map = not any(isinstance(one, dict) and inner.model_fields.keys() & one.keys() for one in shown)
            lists = [one for each in shown if isinstance(each, list) for one in each]
            maps = [each for each in shown if not isinstance(each, list)]
            below = lists or ([one for each in maps for one in each.values()] if is_map else maps)
            yield from missing(inner, below, f"{at}{name}.")


def test_O01_the_sample_is_right_but_for_its_secrets() -> None:
    looked = look(CONFIG / "dialerd.yaml", {})
    assert looked.troubles == []
    assert looked.settings is not None
    assert looked.settings.campaigns.keys() == {"example"}
    assert looked.settings.hotlines["sales"].number == "+842871234567"


@pytest.mark.parametrize("name", SAMPLES)
def test_O01_the_sample_shows_every_key(name: str) -> None:
    assert list(missing(SAMPLES[name], [data(name)], "")) == []


def test_O01_the_walk_over_the_models_finds_a_key_that_is_not_shown() -> None:
    values = data("dialerd.yaml")
    del values["servers"]["pbx1"]["ping_s"]
    del values["mqtt"]["tls"]["key_file"]
    del values["drain"]
    assert list(missing(Settings, [values], "")) == ["servers.ping_s", "mqtt.tls.key_file", "drain", "drain.limit_s"]
    values = data("campaigns/example.yaml")
    del values["rest"]["busy"]["at_most"]
    assert list(missing(Campaign, [values], "")) == ["rest.at_most"]


@pytest.mark.parametrize("name", SAMPLES)
def test_O01_every_key_of_the_sample_has_words_above_it(name: str) -> None:
    known = {key for model in SAMPLES.values() for key in all_keys(model)}
    lines = (CONFIG / name).read_text().splitlines()
    bare = [
        f"{number}: {line}"
        for number, line in enumerate(lines, 1)
        if (key := _KEY.match(line)) and key[1] in known and not lines[number - 2].lstrip().startswith("# ")
    ]
    assert bare == []


def all_keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for inner in models_in(field.annotation):
            yield from all_keys(inner)


def test_O01_the_keys_that_are_switched_off_in_the_sample_are_right_too(tmp_path: Path) -> None:
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "packs").mkdir()
    for name in SAMPLES:
        (tmp_path / name).write_text(switched_on(name))
    found = sorted(trouble.key for trouble in look(tmp_path / "dialerd.yaml", {}).troubles)
    # beside the files: one of the two
    assert found == ["mail.password_credential", "mqtt.password_credential", "servers.pbx1.secret_credential"]


def test_O01_the_defaults_in_the_words_are_the_defaults() -> None:
    """`Default: 14` above a key is what a configuration without the key has."""
    defaults: dict[str, set[str]] = {}
    for model in SAMPLES.values():
        for inner in {model, *walk_models(model)}:
            for name, field in inner.model_fields.items():
                defaults.setdefault(name, set()).add(str(field.default))
    told = 0
    for name in SAMPLES:
        above = ""
        for line in (CONFIG / name).read_text().splitlines():
            key = _KEY.match(line)
            said = re.search(r"Default: ([a-z0-9._]+)$", above)
            if key and said and said[1] not in ("at", "never", "always", "none"):
                assert said[1] in {d.lower() for d in defaults[key[1]]} | {
                    d.removesuffix(".0") for d in defaults[key[1]]
                }, line
                told += 1
            above = line
    assert told > 15


def walk_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            yield inner
            yield from walk_models(inner)
