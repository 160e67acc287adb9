"""Pieces that SIPp scenarios are put together from: messages, jumps, tests on the dialled number, sound, keys.

Never knows which phone it serves, and never uses what needs root rights (SIPp's raw sockets).

SIPp's traps: a receive with optional="global" must stand before the first mandatory one; [next_url] needs rrs="true" on
the INVITE; a response code and a file to play cannot come from a variable; keywords in [authentication ...] stay as they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).parent
_ECHO = "[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n"
_TAG = ";tag=t[call_number]"
CONTACT = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n"
SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio {port} RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
"""


def send(message: str, attributes: str = "") -> str:
    return f"<send {attributes}><![CDATA[\n{message}\n]]></send>\n"


def reply(code: int, reason: str, sdp: str = "", to_tag: str = _TAG, attributes: str = "") -> str:
    head = f"SIP/2.0 {code} {reason}\n" + _ECHO.format(tag=to_tag)
    return send(head + (CONTACT + sdp if sdp else CONTACT + "Content-Length: 0\n"), attributes)


def final(code: int, reason: str) -> str:
    """A refusal, sent again until it is acknowledged."""
    return reply(code, reason, attributes='retrans="500"') + '<recv request="ACK" next="end"/>\n'


def label(name: str) -> str:
    return f'<label id="{name}"/>\n'


def goto(name: str, test: str = "") -> str:
    return f'<nop next="{name}"{f" test={chr(34)}{test}{chr(34)}" if test else ""}/>\n'


def play(path: Path, loops: int) -> str:
    return f'<nop><action><exec rtp_stream="{path},{loops},0"/></action></nop>\n'


def equals(variable: str, source: str, value: int) -> str:
    return f'<test assign_to="{variable}" variable="{source}" compare="equal" value="{value}"/>\n'


def matches(variables: str, pattern: str) -> str:
    """Looks at the dialled number; the first variable is the whole match, the others the groups."""
    return f'<ereg regexp="{pattern}" search_in="var" variable="dialled" assign_to="{variables}"/>\n'


def actions(*steps: str) -> str:
    return f"<nop><action>\n{''.join(steps)}</action></nop>\n"


def tone_digits() -> str:
    return "".join(matches(f"tone{digit}", f"{digit}$") for digit in range(1, 10))


DEAF_PORT = "9"
"""Where a phone without sound wants to be sent to: nobody listens there, so a crowd costs nothing."""


def answer(port: str) -> str:
    """`port`: where the phone hears (the ear's, or DEAF_PORT)."""
    return reply(200, "OK", SDP.format(port=port), attributes='retrans="500"') + '<recv request="ACK" crlf="true"/>\n'


def press(key: str) -> str:
    """SIPp's own play_dtmf needs raw sockets, which only root may open."""
    program = f"'{sys.executable}' -S -E '{_HERE / 'press.py'}' {key} [local_ip] 127.0.0.1 [$audio]"
    return f'<nop><action><exec command="{program}"/></action></nop>\n'


def info(key: str) -> str:
    return (
        send(
            "INFO [next_url] SIP/2.0\n"
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
            "From: <sip:phone@[local_ip]:[local_port]>;tag=t[call_number]\n"
            "To: [$peer]\n[last_Call-ID:]\n[routes]\nCSeq: 1 INFO\nMax-Forwards: 70\n"
            + CONTACT
            + f"Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal={key}\nDuration=160\n",
            'retrans="500"',
        )
        + '<recv response="200" crlf="true" next="stay"/>\n'
    )
