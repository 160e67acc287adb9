"""Whatever stands in a configuration, reading it gives Settings or Wrong, and check gives troubles: nothing else (O01)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dialerd.settings.check import check
from dialerd.settings.read import read
from dialerd.settings.shape import Settings
from dialerd.settings.tree import Tree
from dialerd.settings.trouble import Wrong
from dialerd.settings.yaml_lines import compose

CONFIG = Path(__file__).parents[2] / "config"
SAMPLE = (CONFIG / "dialerd.yaml").read_text()
CAMPAIGN = (CONFIG / "campaigns/example.yaml").read_text()
LINES = [line for line in (SAMPLE + CAMPAIGN).splitlines() if line and not line.lstrip().startswith("# ")]

signs = st.sampled_from(
    [*"aA0 -:?,[]{}#&*!|>'\"%@`\\\n\t\r~<=.+/_é\x00\x85\u2028", "\n  ", ": ", "- ", "\\u", "<<: ", "---\n"]
)
yamlish = st.lists(signs | st.sampled_from(LINES), max_size=40).map("".join)
written = st.sampled_from(
    [
        "22:30",
        "NO",
        "on",
        "0912345678",
        "+84987654321",
        "1e999",
        "9" * 5000,
        ".nan",
        "~",
        "*a",
        "&a",
        "!!int 1",
        "0o7",
        "''",
        "1_0",
    ]
)
names = st.sampled_from(
    sorted({*Settings.model_fields, "pbx1", "name", "week", "mon", "roles", "path", "secret_file", "port"})
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | written
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("config")
    (made / "campaigns").mkdir()
    return made


def looked_at(folder: Path, content: bytes, campaign: bytes = CAMPAIGN.encode()) -> None:
    """Reads and checks: anything but Wrong goes through to the test."""
    file = folder / "dialerd.yaml"
    file.write_bytes(content)
    (folder / "campaigns" / "example.yaml").write_bytes(campaign)
    refused: Wrong | None = None
    try:
        assert isinstance(read(file, {}), Settings)
    except Wrong as wrong:
        refused = wrong
    if refused is not None:
        assert refused.troubles
        assert all(line.isprintable() and line.startswith(str(folder)) for line in str(refused).split("\n"))
        assert not any(trouble.warning for trouble in refused.troubles)
    found = check(file, {"CREDENTIALS_DIRECTORY": str(folder)})
    assert all(str(trouble).isprintable() for trouble in found.troubles)
    assert refused is None or not found.good


any_file = settings(deadline=None, max_examples=8000, suppress_health_check=[HealthCheck.function_scoped_fixture])


@any_file
@given(text=yamlish)
@example(text="")
@example(text=SAMPLE)
@example(text="campaigns: {c: {name: n, trunks: [t], starts_at: 0001-01-01T00:00:00+14:00}}")
@example(text="schedules: {s: {time_zone: '" + "../" * 50 + "'}}")
@example(text='schedules: {s: {time_zone: "\\0", week: {}}}')
@example(text='store: {path: "\\0"}')
@example(text='campaigns_dir: "\\0"')
@example(text="campaigns_dir: .")
def test_O01_any_yaml_like_text_is_read_or_refused(folder: Path, text: str) -> None:
    looked_at(folder, text.encode())


@any_file
@given(content=st.binary(max_size=200))
def test_O01_any_bytes_are_read_or_refused(folder: Path, content: bytes) -> None:
    looked_at(folder, content, content)


@any_file
@given(data=st.data())
def test_O01_a_damaged_sample_is_read_or_refused(folder: Path, data: st.DataObject) -> None:
    lines = (SAMPLE if data.draw(st.booleans()) else CAMPAIGN).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        cut = data.draw(st.integers(0, len(line)))
        what = data.draw(st.sampled_from(["insert", "value", "drop", "double", "cut", "indent"]))
        if what == "insert":
            lines[at] = line[:cut] + data.draw(signs | written) + line[cut:]
        elif what == "value" and ":" in line:
            lines[at] = f"{line.split(':')[0]}: {data.draw(written | st.text(max_size=8))}"
        elif what == "drop" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(at, line)
        elif what == "cut":
            lines[at] = line[:cut]
        else:
            lines[at] = "  " + line
    text = "\n".join(lines) + "\n"
    encoded = text.encode(errors="replace")
    if "campaigns_dir" in text:
        looked_at(folder, encoded)
    else:
        looked_at(folder, SAMPLE.encode(), encoded)


@any_file
@given(tree=st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), trees, max_size=6))
def test_O01_any_tree_of_values_is_read_or_refused(folder: Path, tree: dict[str, Any]) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)
    looked_at(folder, text.encode(errors="surrogatepass"))


@settings(deadline=None, max_examples=8000)
@given(text=yamlish)
def test_O01_both_parsers_read_the_same_or_refuse(text: str) -> None:
    """libyaml is the fast one; without it PyYAML's own is used, and must not mean anything else."""
    fast, fast_troubles = compose("x", text.encode(), yaml.CSafeLoader)
    slow, slow_troubles = compose("x", text.encode(), yaml.SafeLoader)
    assert fast is not None or fast_troubles
    assert slow is not None or slow_troubles
    if fast is not None and slow is not None:
        assert Tree(fast).data() == Tree(slow).data()


@settings(deadline=None, max_examples=8000)
@given(
    tree=st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text("ab \n\"'\\é", max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:c", max_size=4), inner, max_size=3),
        max_leaves=20,
    ).filter(lambda tree: tree is not None)
)
def test_O01_json_is_read_as_what_it_says(tree: Any) -> None:
    root, troubles = compose("x", json.dumps(tree).encode())
    assert troubles == []
    assert root is not None
    assert Tree(root).data() == tree
