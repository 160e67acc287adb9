"""What is read out of a command's payload, and what is refused (O02)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.control.envelopes import MAX_DEPTH, BadPayload, error_reply, read_arguments, take_id

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    # NUL and half surrogates are refused on purpose
    | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=20,
)


class TestArguments:
    @given(st.dictionaries(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")), JSON, max_size=5))
    def test_O02_arguments_come_through_unchanged(self, given_arguments: dict[str, object]) -> None:
        for ensure_ascii in (True, False):
            assert read_arguments(json.dumps(given_arguments, ensure_ascii=ensure_ascii).encode()) == given_arguments

    @given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0d8 1eE+-', max_size=60).map(str.encode))
    def test_O02_no_payload_breaks_the_reader(self, payload: bytes) -> None:
        try:
            read = read_arguments(payload)
        except BadPayload as bad:
            told = (bad.message, bad.field, bad.allowed)
        else:
            told = ("fine", "all", json.dumps(read, allow_nan=False, ensure_ascii=False).encode().decode())
        assert all(told)

    @pytest.mark.parametrize(
        ("payload", "field", "words"),
        [
            (b"", "payload", "not JSON"),
            (b"{", "payload", "line 1 column 2"),
            (b"[1]", "payload", "array"),
            (b'"start"', "payload", "string"),
            (b"null", "payload", "null"),
            (b"true", "payload", "boolean"),
            (b"7", "payload", "number"),
            (b'{"a":"\xff"}', "payload", "UTF-8 at byte 6"),
            (b'{"a":"b\0"}', "payload", "NUL"),
            (b'{"a":{"b":["x","y\\u0000"]}}', "a.b[1]", "NUL"),
            (b'{"a":"\\ud800"}', "a", "surrogate"),
            (b'{"a":1,"a":2}', "a", "twice"),
            (b'{"o":{"b":1,"c":2,"b":1}}', "b", "twice"),
            (b'{"a":NaN}', "payload", "NaN"),
            (b'{"a":-Infinity}', "payload", "Infinity"),
            (b'{"a":1e999}', "payload", "too large"),
            (b'{"a":' + b"9" * 5000 + b"}", "payload", "too long"),
            (b'{"a":' * 40 + b"1" + b"}" * 40, "a." * 31 + "a", "deep"),
            (b'{"a":' + b"[" * 100_000, "payload", "deep"),
        ],
    )
    def test_O02_bad_payloads_are_told_what_is_wrong(self, payload: bytes, field: str, words: str) -> None:
        with pytest.raises(BadPayload) as caught:
            read_arguments(payload)
        assert caught.value.field == field
        assert words in caught.value.message

    def test_O02_depth_is_counted_exactly(self) -> None:
        read_arguments(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)
        with pytest.raises(BadPayload, match="deep"):
            read_arguments(b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1))

    def test_O02_a_payload_over_the_limit_is_not_even_parsed(self) -> None:
        with pytest.raises(BadPayload, match="17 bytes"):
            read_arguments(b"{" * 17, limit=16)

    def test_O02_an_escaped_backslash_before_u0000_is_text(self) -> None:
        assert read_arguments(rb'{"a":"\\u0000"}') == {"a": r"\u0000"}

    def test_O02_the_id_is_taken_out_of_the_arguments(self) -> None:
        arguments: dict[str, object] = {"id": "r-1", "campaign": "c"}
        assert take_id(arguments) == "r-1"
        assert arguments == {"campaign": "c"}
        assert take_id(arguments) is None

    @pytest.mark.parametrize("found", [7, None, "", "x" * 65, "a\nb", ["r-1"]])
    def test_O02_a_bad_id_is_refused(self, found: object) -> None:
        with pytest.raises(BadPayload) as caught:
            take_id({"id": found})
        assert caught.value.field == "id"

    def test_O02_an_error_reply_has_the_form_of_all_replies(self) -> None:
        assert json.loads(error_reply("r-1", "bad_request", "no", "id", "a string")) == {
            "id": "r-1",
            "ok": False,
            "error": {"code": "bad_request", "message": "no", "field": "id", "allowed": "a string"},
        }
