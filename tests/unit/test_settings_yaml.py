"""YAML is read strictly, with lines: the traps of YAML 1.1 for a dialer, and what a file may not hold (O01)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from dialerd.settings.tree import Tree
from dialerd.settings.yaml_lines import LONGEST, MOST_VALUES, Node, compose

LOADERS = [pytest.param(yaml.CSafeLoader, id="libyaml"), pytest.param(yaml.SafeLoader, id="python")]


def values(text: str, loader: type[Any] = yaml.CSafeLoader) -> Any:
    root, troubles = compose("x.yaml", text.encode(), loader)
    assert root is not None, troubles
    assert troubles == []
    return Tree(root).data()


def told(text: str | bytes, loader: type[Any] = yaml.CSafeLoader) -> list[str]:
    content = text if isinstance(text, bytes) else text.encode()
    return [str(trouble) for trouble in compose("x.yaml", content, loader)[1]]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    "written",
    [
        "22:30",  # 1350 in YAML 1.1
        "8:30",
        "08:30",
        "NO",  # Norway; False in YAML 1.1
        "no",
        "on",
        "off",
        "yes",
        "y",
        "0912345678",
        "0123456701",  # 21913025 in YAML 1.1, an octal
        "+84987654321",
        "+5",
        "1_000",
        "0x1F",
        "0o17",
        "0b1",
        "1e3e4",
        ".5",
        "5.",
        ".inf",
        ".nan",
        "2026-11-21",
        "2026-11-21T08:00:00+07:00",
        "1e999",
        "1234567890123456789",  # longer than any number we keep
        "=",
        "tRue",
    ],
)
def test_O01_what_only_looks_like_a_number_or_a_truth_stays_text(written: str, loader: type[Any]) -> None:
    assert values(f"a: {written}\n", loader) == {"a": written}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0", 0),
        ("-7", -7),
        ("5038", 5038),
        ("0.25", 0.25),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("2.5E-2", 0.025),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ('"true"', "true"),
        ("'~'", "~"),
        ("!!str 5", "5"),
        ("! 5", "5"),
    ],
)
def test_O01_strict_numbers_truths_and_nothing_are_read(written: str, meant: object, loader: type[Any]) -> None:
    found = values(f"a: {written}\n", loader)["a"]
    assert found == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize("loader", LOADERS)
def test_O01_keys_are_text_as_they_are_written(loader: type[Any]) -> None:
    assert values("on: 1\nNO: 2\n1900: 3\n0912: 4\ntrue: 5\n22:30: 6\n", loader) == {
        "on": 1,
        "NO": 2,
        "1900": 3,
        "0912": 4,
        "true": 5,
        "22:30": 6,
    }


@pytest.mark.parametrize("loader", LOADERS)
def test_O01_a_key_given_twice_names_both_lines_and_the_reading_goes_on(loader: type[Any]) -> None:
    text = "campaigns:\n  a: 1\n  b: 2\n  a: 3\nlogs: {level: info, level: debug}\n"
    assert told(text, loader) == [
        "x.yaml:4: campaigns.a: found the key twice (first on line 2), allowed: once",
        "x.yaml:5: logs.level: found the key twice (first on line 5), allowed: once",
    ]


def test_O01_every_value_has_the_line_of_its_key() -> None:
    root, _ = compose("x.yaml", b"a: 1\nb:\n  c:\n    - x\n    - y: 5\n\n  d:\n    text\n")
    assert root is not None
    tree = Tree(root)
    lines = {
        path: tree.place(path).line for path in [("a",), ("b", "c"), ("b", "c", "1"), ("b", "c", "1", "y"), ("b", "d")]
    }
    assert list(lines.values()) == [1, 3, 5, 5, 7]
    assert tree.place(("b", "c", "1", "nothing")).line == 5
    assert tree.place(("b", "c", "1", "nothing")).node is None


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_O01_lines_are_counted_as_editors_count_them(ending: str) -> None:
    assert told(ending.join(["a: é", "b: 'two", "  lines'", "a: 2", ""])) == [
        "x.yaml:4: a: found the key twice (first on line 1), allowed: once"
    ]


@pytest.mark.parametrize("loader", LOADERS)
def test_O01_aliases_and_merges_work_and_own_keys_win(loader: type[Any]) -> None:
    text = "base: &b {lines: 5, prefix: '9'}\nt: {<<: *b, lines: 7}\nu: {<<: [{lines: 1}, *b]}\nv: *b\n"
    assert values(text, loader) == {
        "base": {"lines": 5, "prefix": "9"},
        "t": {"lines": 7, "prefix": "9"},
        "u": {"lines": 1, "prefix": "9"},
        "v": {"lines": 5, "prefix": "9"},
    }


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: *b\n", "x.yaml:1: a: found the alias *b of no anchor, allowed: none, no anchor stands before it"),
        (
            "a: &fuenf 5\nb: *funf\n",
            "x.yaml:2: b: found the alias *funf of no anchor, allowed: fuenf; did you mean fuenf?",
        ),
        ("a: &b [*b]\n", "x.yaml:1: a.0: found the alias *b inside its own anchor, allowed: no circles"),
        ("a: &b 1\nc: &b 2\n", "x.yaml:2: c: found the anchor &b twice (first on line 1), allowed: another name"),
        ("a: !!int 3\n", "x.yaml:1: a: found the tag !!int, allowed: no tags"),
        (
            "a: !!python/object/apply:os.system [id]\n",
            "x.yaml:1: a: found the tag !!python/object/apply:os.system, allowed: no tags",
        ),
        ("a: 1\n? [x, y]\n: 2\n", "x.yaml:2: found a key that is a list or a map, allowed: a key that is text"),
        ("a: {<<: 5}\n", "x.yaml:1: a: found something else than a map under <<, allowed: a map or a list of maps"),
    ],
)
def test_O01_odd_parts_of_yaml_are_told_and_the_reading_goes_on(text: str, said: str, loader: type[Any]) -> None:
    root, troubles = compose("x.yaml", text.encode(), loader)
    assert root is not None
    assert [str(trouble) for trouble in troubles] == [said]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.yaml: found an empty file, allowed: keys and values"),
        ("# only words\n", "x.yaml: found an empty file, allowed: keys and values"),
        ("---\n...\n", "x.yaml: found an empty file, allowed: keys and values"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: found a second document (---), allowed: one document"),
        ("a:\n\tb: 1\n", "x.yaml:2: found a tab, allowed: spaces"),
        ("a:\n  b: 1\n\tc: 1\n", "x.yaml:3: found a tab, allowed: spaces"),
        (
            "a: b: c\n",
            'x.yaml:1: found a colon too many, or a wrong indentation, allowed: text with ": " in it stands in quotes',
        ),
        ("a: @b\n", "x.yaml:1: found text that begins with @, allowed: such text in quotes"),
        ("a: 1\nb: 'x\nc: 2\n", "x.yaml:2: found a quote that is not closed, allowed: a closing quote"),
        ("a: 1\nb\n", "x.yaml:2: found a line without a colon, allowed: key: value"),
        (
            "a:\n  - x\n b: 1\n",
            "x.yaml:3: found a line with another indentation (begun on line 1), allowed: the indentation of the lines before",
        ),
    ],
)
def test_O01_a_broken_file_is_told_by_line_in_plain_words(text: str, said: str, loader: type[Any]) -> None:
    root, troubles = compose("x.yaml", text.encode(), loader)
    assert root is None
    assert [str(trouble) for trouble in troubles] == [said]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb: \xff\n", "x.yaml:2: found the byte 0xff, not UTF-8, allowed: text in UTF-8"),
        ("a: 1\n".encode("utf-16"), "x.yaml:1: found the byte 0xff, not UTF-8, allowed: text in UTF-8"),
        (b"\xef\xbb\xbfa: 1\nb: \xe9\n", "x.yaml:2: found the byte 0xe9, not UTF-8, allowed: text in UTF-8"),
        (b"a: 1\r\n\r\nb: \x00\n", "x.yaml:3: found the control character U+0000, allowed: printable text"),
        (b"a: \x1b[31mred\n", "x.yaml:1: found the control character U+001B, allowed: printable text"),
        ("a: 1\nb: \u2028\n".encode(), "x.yaml:2: found the control character U+2028, allowed: printable text"),
        (b"#" * (LONGEST + 1), "x.yaml: found more than 4 MiB, allowed: a smaller file"),
    ],
)
def test_O01_what_is_no_text_is_refused(content: bytes, said: str) -> None:
    assert told(content) == [said]


def test_O01_a_byte_order_mark_is_passed_over() -> None:
    root, troubles = compose("x.yaml", b"\xef\xbb\xbfa: 1\n")
    assert troubles == []
    assert root is not None
    assert Tree(root).data() == {"a": 1}


@pytest.mark.parametrize("loader", LOADERS)
def test_O01_half_a_character_is_refused(loader: type[Any]) -> None:
    assert len(told('a: "\\ud800"\n', loader)) == 1


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
            "500000",
        ),
        (
            "a: &a {"
            + ",".join(f"k{i}: 1" for i in range(1000))
            + "}\n"
            + "".join(f"b{i}: {{<<: *a}}\n" for i in range(1000)),
            "500000",
        ),
        ("[" * 2000, "40 levels"),
        ("- " * 2000 + "x", "40 levels"),
        ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 99)), "40 levels"),
    ],
    ids=["bomb of lists", "bomb of merges", "deep", "deep blocks", "deep by aliases"],
)
def test_O01_a_file_cannot_blow_up(text: str, said: str, loader: type[Any]) -> None:
    root, troubles = compose("x.yaml", text.encode(), loader)
    assert root is None
    assert len(troubles) == 1
    assert said in troubles[0].found


def test_O01_many_aliases_below_the_limit_are_fine() -> None:
    text = "a: &a [" + ",".join(["1"] * 1000) + "]\n" + "".join(f"b{i}: *a\n" for i in range(MOST_VALUES // 1000 - 10))
    root, troubles = compose("x.yaml", text.encode())
    assert troubles == []
    assert isinstance(root, Node)
    assert root.size > 480_000


@pytest.mark.parametrize("text", ["%YAML " + "9" * 5000 + ".1\n--- a\n", 'a: "\\UFFFFFFFF"\n', "a: !<x%ff> b\n"])
@pytest.mark.parametrize("loader", LOADERS)
def test_O01_mad_numbers_and_escapes_are_only_broken_yaml(text: str, loader: type[Any]) -> None:
    root, troubles = compose("x.yaml", text.encode(), loader)
    assert root is None
    assert len(troubles) == 1
