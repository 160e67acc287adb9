"""SIPp scenarios of the rig: the carrier with all its customers, and all agents' phones.

Never holds a number, port or path of a running rig: the functions take them.

What a customer does is in the dialled number, `7 B RRR HHH xxx`; RRR and HHH in tenths of a second, xxx at least three
digits of any kind. It may begin with `+`, `00` and 352: +352 7B RRR HHH xxx is a valid number of Luxembourg for whoever
checks numbers. Any other number gets 404.

    B  what happens
    0  180, answer after RRR, then a steady tone (sound.TONES["customer-<last digit>"]), heard by the rig's ear;
       hangs up HHH after the answer (000: never)
    1  180, answer after RRR, the customer hangs up HHH after the answer (000: never); no sound
    2  180, then final response HHH after RRR (any of REFUSALS, else 500)
    3  183 with SDP (early media), answer after RRR, hang up as 1
    4  180, then nothing until CANCEL
    5  no answer of any kind, not even 100 (a black hole)
    6  as 1, but HHH after the answer a key is pressed (RFC 4733); stays. The key is the first x, 1 if that is 0
    7  as 6, by SIP INFO (endpoint trunk-info)
    8  as 1, and speaks: a long greeting (a machine), or "hello" if the last digit is 1 (a person); heard by the ear
    9  100 Trying only, then nothing until CANCEL

Agents' phones; they answer after 0.3 s and stay until BYE, without sound, if nothing else is said:

    10xx   ...9 rings for ever, ...8 is busy (486 after 0.2 s)
    11xx   answers after 2 s
    12xx   hangs up 2 s after the answer
    13xx   plays a steady tone (sound.TONES["agent-<last digit>"]), heard by the rig's ear
    20xx   must register (`Phones.register`); password pw<number>
    3xxxx  a crowd for load: no last digit is special
"""

from __future__ import annotations

from pathlib import Path

from tests.asterisk.rig.sip_steps import (
    DEAF_PORT,
    SDP,
    actions,
    answer,
    equals,
    final,
    goto,
    info,
    label,
    matches,
    play,
    press,
    reply,
    send,
    tone_digits,
)

REFUSALS = {
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    410: "Gone",
    480: "Temporarily Unavailable",
    484: "Address Incomplete",
    486: "Busy Here",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
    607: "Unwanted",
    608: "Rejected",
}
_OPENING = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="{name}">
<recv request="CANCEL" optional="global" next="cancelled"/>
<recv request="BYE" optional="global" next="bye"/>
<recv request="OPTIONS" optional="true" next="options"/>
<recv request="INVITE" crlf="true" rrs="true"><action>
<ereg regexp="INVITE sip:([^@;]*)" search_in="msg" assign_to="line,dialled"/>
<ereg regexp="m=audio ([0-9]+)" search_in="msg" assign_to="media,audio"/>
<ereg regexp="(.*)" search_in="hdr" header="From:" assign_to="from,peer"/>
<ereg regexp="(Via:.*)" search_in="msg" assign_to="vias,via"/>
<ereg regexp="([0-9]+) INVITE" search_in="hdr" header="CSeq:" assign_to="cseqs,cseq"/>
<log message="INVITE [call_id] [$dialled] [$audio] [timestamp]"/>
</action></recv>
<Reference variables="line,media,from,vias,cseqs"/>
"""
"""The log line is what `Phones.invites` counts: SIPp runs it once a call, not for a retransmission."""

_ENDING = (
    label("stay")
    + '<recv request="BYE" next="bye"/>\n'
    + label("hangup")
    + send(
        "BYE [next_url] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From: <sip:phone@[local_ip]:[local_port]>;tag=t[call_number]\n"
        "To: [$peer]\n[last_Call-ID:]\n[routes]\nCSeq: 2 BYE\nMax-Forwards: 70\nContent-Length: 0\n",
        'retrans="500"',
    )
    + '<recv response="200" next="end"/>\n'
    + label("bye")
    + reply(200, "OK", to_tag="", attributes='next="end"')
    + label("ringforever")
    + '<recv request="CANCEL" next="cancelled"/>\n'
    + label("cancelled")
    + reply(200, "OK")
    + send(
        "SIP/2.0 487 Request Terminated\n[$via]\n[last_From:]\n[last_To:];tag=t[call_number]\n[last_Call-ID:]\n"
        "CSeq: [$cseq] INVITE\nContent-Length: 0\n",
        'retrans="500"',
    )
    + '<recv request="ACK" next="end"/>\n'
    + label("options")
    + reply(200, "OK", attributes='next="end"')
    + label("end")
    + "<nop/>\n</scenario>\n"
)


def _tone_choice(media: Path, who: str) -> str:
    """Plays the tone of the last digit for ever, and goes on to `talk`."""
    jumps = "".join(goto(f"tone{digit}", f"tone{digit}") for digit in range(1, 10))
    plays = "".join(
        (label(f"tone{digit}") if digit else "") + play(media / f"{who}-{digit}.ulaw", -1) + goto("talk")
        for digit in range(10)
    )
    return jumps + plays


def carrier(media: Path, ear_port: int, all_speak: bool = False) -> str:
    """The carrier and its customers. `media`: the directory of sound.write_sounds; `ear_port`: where the ear listens.

    `all_speak`: customers 71... play a tone too, for load; the ear does not hear them.
    """
    return (
        _OPENING.format(name="carrier")
        + actions(
            matches(
                "language,plus,country,b,rrr,hhh,x",
                "^(\\+|00)?(352)?7([0-9])([0-9]{3})([0-9]{3})([0-9])[0-9]{2,}$",
            )
        )
        + '<Reference variables="plus,country"/>\n'
        + goto("spoken", "language")
        + goto("r404")
        + label("spoken")
        + actions(
            '<todouble assign_to="behaviour" variable="b"/>\n<todouble assign_to="digit" variable="x"/>\n',
            '<todouble assign_to="ringms" variable="rrr"/>\n<multiply assign_to="ringms" value="100"/>\n',
            '<todouble assign_to="talkms" variable="hhh"/>\n<multiply assign_to="talkms" value="100"/>\n',
            '<todouble assign_to="code" variable="hhh"/>\n',
            equals("nokey", "digit", 0),
            equals("nohang", "code", 0),
            *(equals(f"is{digit}", "behaviour", digit) for digit in (0, 2, 3, 4, 5, 6, 7, 8, 9)),
            *(equals(f"is{code}", "code", code) for code in REFUSALS),
            tone_digits(),
        )
        + goto("blackhole", "is5")
        + goto("trying", "is9")
        + goto("early", "is3")
        + reply(180, "Ringing")
        + goto("reject", "is2")
        + goto("ringforever", "is4")
        + goto("ring")
        + label("early")
        + reply(183, "Session Progress", SDP.format(port=DEAF_PORT))
        + label("ring")
        + '<pause variable="ringms"/>\n'
        + goto("heard", "is0")
        + goto("heard", "is8")
        + answer(DEAF_PORT)
        + goto("key", "is6")
        + goto("info", "is7")
        + goto("tone" if all_speak else "talk")
        + label("heard")
        + answer(str(ear_port))
        + goto("tone", "is0")
        + goto("person", "tone1")
        + play(media / "machine.ulaw", 1)
        + goto("talk")
        + label("person")
        + play(media / "person.ulaw", 1)
        + goto("talk")
        + label("tone")
        + _tone_choice(media, "customer")
        + label("talk")
        + goto("stay", "nohang")
        + '<pause variable="talkms"/>\n'
        + goto("hangup")
        + label("key")
        + '<pause variable="talkms"/>\n'
        + goto("key1", "nokey")
        + press("[$x]")
        + goto("stay")
        + label("key1")
        + press("1")
        + goto("stay")
        + label("info")
        + '<pause variable="talkms"/>\n'
        + goto("info1", "nokey")
        + info("[$x]")
        + label("info1")
        + info("1")
        + label("reject")
        + '<pause variable="ringms"/>\n'
        + "".join(goto(f"r{code}", f"is{code}") for code in REFUSALS)
        + goto("r500")
        + "".join(label(f"r{code}") + final(code, reason) for code, reason in REFUSALS.items())
        + label("trying")
        + reply(100, "Trying", to_tag="")
        + goto("ringforever")
        + label("blackhole")
        + '<pause milliseconds="60000"/>\n'
        + goto("end")
        + _ENDING
    )


def agents(media: Path, ear_port: int, all_speak: bool = False) -> str:
    """All agents' phones on one port. `all_speak`: those without sound play a tone too, for load."""
    return (
        _OPENING.format(name="agents")
        + actions(
            matches("never", "^10[0-9]9$"),
            matches("busy", "^10[0-9]8$"),
            matches("late", "^11[0-9][0-9]$"),
            matches("short", "^12[0-9][0-9]$"),
            matches("speaks", "^13[0-9][0-9]$"),
            tone_digits(),
        )
        + reply(180, "Ringing")
        + goto("ringforever", "never")
        + goto("busy", "busy")
        + goto("late", "late")
        + '<pause milliseconds="300"/>\n'
        + goto("heard", "speaks")
        + label("answer")
        + answer(DEAF_PORT)
        + goto("short", "short")
        + (play(media / "agent-0.ulaw", -1) if all_speak else "")
        + goto("stay")
        + label("late")
        + '<pause milliseconds="2000"/>\n'
        + goto("answer")
        + label("short")
        + '<pause milliseconds="2000"/>\n'
        + goto("hangup")
        + label("heard")
        + answer(str(ear_port))
        + _tone_choice(media, "agent")
        + label("talk")
        + goto("stay")
        + label("busy")
        + '<pause milliseconds="200"/>\n'
        + final(486, "Busy Here")
        + _ENDING
    )
