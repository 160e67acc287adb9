"""The proof that both sides heard each other: on the wire at each phone, and in the recording."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from tests.asterisk.rig import sound
from tests.asterisk.rig.ami import Ami
from tests.asterisk.rig.asterisk import Rig
from tests.asterisk.rig.root import RigError

_PAIRS = 3


def _up(ami: Ami, channel: str, context: str, call: str, **variables: str) -> str:
    where = {"Context": context, "Exten": "s", "Priority": "1", "Async": "true", "Timeout": "10000"}
    ami.action("Originate", {"DLR_CALL": call, **variables}, Channel=channel, ChannelId=call, **where)
    ami.wait_event("BridgeEnter", Uniqueid=call, BridgeTechnology="holding_bridge")
    return call


def test_V13_customer_and_agent_hear_each_other_and_the_recording_has_both(asterisk: Rig, ami: Ami) -> None:
    """Three pairs at once, each with tones of its own: nobody hears another pair."""
    pairs = []
    for digit in range(_PAIRS):
        number, phone = f"7000100003{digit}", f"130{digit}"
        agent = _up(ami, f"PJSIP/{phone}", "dialer-agent", f"talk-agent-{digit}", DLR_AGENT=phone)
        record = {"DLR_REC": f"talk/{digit}.wav", "DLR_ENT": "s"}
        customer = _up(ami, f"PJSIP/{number}@trunk", "dialer-cust", f"talk-customer-{digit}", **record)
        pairs.append((digit, number, phone, customer, agent))
    for _, _, _, customer, agent in pairs:
        assert ami.action("Bridge", Channel1=customer, Channel2=agent, Tone="no")["Response"] == "Success"
    ami.pump(2)
    for digit, number, phone, customer, agent in pairs:
        ami.action("Hangup", Channel=customer)
        ami.wait_event("Hangup", Uniqueid=customer)
        ami.action("Hangup", Channel=agent)
        ami.wait_event("Hangup", Uniqueid=agent)
        ami.pump(0.2)  # the ear writes every tenth of a second
        customer_heard, agent_heard = asterisk.customer_heard(number), asterisk.agent_heard(phone)
        assert customer_heard[f"agent-{digit}"] > 1
        assert agent_heard[f"customer-{digit}"] > 1
        assert set(customer_heard) == {"sound", f"agent-{digit}"}
        assert set(agent_heard) == {"sound", "music", f"customer-{digit}"}  # music while he waited
        recorded = sound.tones_in_recording(asterisk.recording(f"talk/{digit}.wav"))
        assert recorded[f"agent-{digit}"] > 1
        assert recorded[f"customer-{digit}"] > 1


def test_V13_without_a_bridge_nobody_hears_the_other(asterisk: Rig, ami: Ami) -> None:
    """The proof can fail: both talk, and both are left waiting."""
    agent = _up(ami, "PJSIP/1305", "dialer-agent", "alone-agent", DLR_AGENT="1305")
    customer = _up(ami, "PJSIP/70001000035@trunk", "dialer-cust", "alone-customer", DLR_REC="alone.wav")
    ami.pump(1)
    ami.action("Hangup", Channel=customer)
    ami.action("Hangup", Channel=agent)
    ami.wait_event("Hangup", Uniqueid=customer)
    ami.wait_event("Hangup", Uniqueid=agent)
    ami.pump(0.2)
    assert set(asterisk.customer_heard("70001000035")) == {"sound", "music"}
    assert set(asterisk.agent_heard("1305")) == {"sound", "music"}
    assert "agent-5" not in sound.tones_in_recording(asterisk.recording("alone.wav"))


def test_what_a_number_that_was_never_called_heard_is_an_error(asterisk: Rig) -> None:
    with pytest.raises(RigError, match="no call to '70009990000' reached the carrier"):
        asterisk.customer_heard("70009990000")


@pytest.mark.parametrize("name", sound.TONES)
def test_each_tone_is_told_from_all_others_at_any_phase(name: str) -> None:
    samples = sound.from_ulaw(sound.to_ulaw(sound.tone(sound.TONES[name], 1.0)))[37:]
    found = sound.tones_in(samples)
    assert set(found) == {name, "sound"}
    assert found[name] > 0.9


def test_two_tones_together_are_both_found() -> None:
    mixed = sound.tone(sound.TONES["customer-3"], 1.0) + sound.tone(sound.TONES["agent-7"], 1.0, 5000)
    assert set(sound.tones_in(mixed)) == {"customer-3", "agent-7", "sound"}


def test_noise_and_silence_are_no_tones() -> None:
    noise = np.random.default_rng(7).normal(0, 4000, sound.RATE)
    assert set(sound.tones_in(noise)) == {"sound"}
    assert sound.tones_in(sound.silence(1.0)) == {"sound": 0.0}
    assert sound.tones_in(sound.from_ulaw(b"\xff\x7f" * 800)) == {"sound": 0.0}


def test_u_law_survives_the_way_there_and_back() -> None:
    samples = np.linspace(-32000, 32000, 2001)
    back = sound.from_ulaw(sound.to_ulaw(samples))
    assert np.all(np.abs(back - samples) <= np.maximum(np.abs(samples) * 0.04, 8))


def test_a_recording_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"\0" * 64)
    with pytest.raises(ValueError, match="16000"):
        sound.tones_in_recording(path)
