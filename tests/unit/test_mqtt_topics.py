"""How topics are read and built: no stranger gets out of its own (O02)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.adapters.mqtt.topics import Topics, is_name, level

TOPICS = Topics("main")
NAMES = st.from_regex(r"[A-Za-z0-9_.@-]{1,64}", fullmatch=True)
WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)
ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=80)
TREE_TEXT = st.lists(st.sampled_from(["dialerd", "main", "cmd", "reply", "ann", "bob", "/", "+", "#", "\0", "é"]))


class TestCommandTopic:
    @given(NAMES, WORDS, WORDS)
    def test_O02_a_command_topic_says_who_and_what(self, who: str, resource: str, verb: str) -> None:
        read = TOPICS.read_command(f"dialerd/main/cmd/{who}/{resource}/{verb}")
        assert (read.principal, read.command, read.fault) == (who, f"{resource}.{verb}", None)

    @given(st.one_of(ANY_TEXT, TREE_TEXT.map("".join)))
    def test_O02_any_other_topic_is_a_fault_and_nothing_breaks(self, rest: str) -> None:
        for topic in (rest, f"dialerd/main/cmd/{rest}"):
            read = TOPICS.read_command(topic)
            assert (read.command is None) == (read.fault is not None)
            if read.command is not None:
                assert topic == f"dialerd/main/cmd/{read.principal}/" + read.command.replace(".", "/")
            if read.principal is not None:
                assert topic.startswith(f"dialerd/main/cmd/{read.principal}")
                assert is_name(read.principal)

    @pytest.mark.parametrize(
        "rest",
        ["ann", "ann/campaign", "ann/campaign/start/now", "ann//start", "ann/Campaign/start", "ann/campaign/start\n"],
    )
    def test_O02_a_wrong_shape_still_knows_whom_to_answer(self, rest: str) -> None:
        read = TOPICS.read_command(f"dialerd/main/cmd/{rest}")
        assert (read.principal, read.command) == ("ann", None)
        assert read.fault

    @pytest.mark.parametrize("who", ["", "an n", "ann+", "#", "ann\0", "ännchen", "a" * 65, "ann\n"])
    def test_O02_a_name_that_is_no_name_is_nobody(self, who: str) -> None:
        assert TOPICS.read_command(f"dialerd/main/cmd/{who}/campaign/start").principal is None

    @pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "a\0b", "a b", "x" * 65, "main\n"])
    def test_O02_an_instance_that_is_no_name_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="instance"):
            Topics(name)


class TestBuiltTopics:
    @given(st.one_of(ANY_TEXT, st.lists(ANY_TEXT, max_size=12).map(tuple)))
    def test_O02_no_stranger_breaks_out_of_a_topic(self, tail: str | tuple[str, ...]) -> None:
        for build, branch in ((TOPICS.event, "event"), (TOPICS.state, "state")):
            topic = build(tail)
            levels = topic.split("/")
            assert levels[:3] == ["dialerd", "main", branch]
            assert 4 <= len(levels) <= 11
            assert all(levels)
            assert not set("+#\0") & set(topic)
            assert topic.isascii()
            assert len(topic) < 65535

    @given(ANY_TEXT, ANY_TEXT)
    def test_O02_two_ids_never_share_a_topic(self, one: str, other: str) -> None:
        assert (level(one) == level(other)) == (one == other)

    def test_O02_a_long_id_keeps_its_own_topic(self) -> None:
        assert level("é" * 300) != level("é" * 301)
        assert len(level("é" * 3000)) <= 512

    def test_O02_plain_tails_stay_as_they_are(self) -> None:
        assert TOPICS.event("call/7f-3.a@b:1/ended") == "dialerd/main/event/call/7f-3.a@b:1/ended"
        assert TOPICS.state(("call", "7/8", "a+b")) == "dialerd/main/state/call/7%2F8/a%2Bb"


class TestResponseTopic:
    @given(NAMES, st.one_of(ANY_TEXT, TREE_TEXT.map("".join)))
    def test_O02_an_answer_goes_only_below_the_askers_own_reply_topic(self, who: str, rest: str) -> None:
        for asked in (rest, f"dialerd/main/reply/{rest}", f"dialerd/main/reply/{who}{rest}"):
            if TOPICS.may_respond(who, asked):
                assert asked.startswith(f"dialerd/main/reply/{who}/")
                assert not set("+#\0\n") & set(asked)

    @pytest.mark.parametrize("rest", ["1", "rr/7f3a", "a/b/c/d/e/f/g/h", "x:y~z@w.v-u_t"])
    def test_O02_response_topics_of_usual_clients_are_allowed(self, rest: str) -> None:
        assert TOPICS.may_respond("ann", f"dialerd/main/reply/ann/{rest}")

    @pytest.mark.parametrize(
        "asked",
        [
            "",
            "dialerd/main/reply/ann",
            "dialerd/main/reply/ann/",
            "dialerd/main/reply/bob/1",
            "dialerd/main/reply/anna/1",
            "dialerd/other/reply/ann/1",
            "dialerd/main/state/daemon",
            "dialerd/main/reply/ann/#",
            "dialerd/main/reply/ann/1\n",
            "dialerd/main/reply/ann/1/2/3/4/5/6/7/8/9",
            "dialerd/main/reply/ann/" + "x" * 1024,
        ],
    )
    def test_O02_other_response_topics_are_not(self, asked: str) -> None:
        assert not TOPICS.may_respond("ann", asked)
