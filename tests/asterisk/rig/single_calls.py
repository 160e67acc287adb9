"""SIPp scenarios of one transaction: a caller from outside, and the registration of a phone.

Never holds a number, port or password of a running rig: the functions and SIPp's -key take them.
"""

from __future__ import annotations

from tests.asterisk.rig.sip_steps import CONTACT, DEAF_PORT, SDP, label, press, reply, send


def caller(keys: str, talk_ms: int) -> str:
    """One inbound call: presses each of `keys` a second apart, hangs up `talk_ms` after that, or is hung up on."""
    dialog = (
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n"
    )
    return (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="caller">\n'
        + send(
            "INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n"
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
            'From: "[caller_name]" <sip:[caller_number]@[local_ip]:[local_port]>;tag=i[call_number]\n'
            "To: <sip:[service]@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\nCSeq: 1 INVITE\n"
            + CONTACT
            + "Max-Forwards: 70\n"
            + SDP.format(port=DEAF_PORT),
            'retrans="500"',
        )
        + '<recv request="BYE" optional="global" next="bye"/>\n'
        + '<recv response="100" optional="true"/>\n<recv response="180" optional="true"/>\n'
        + '<recv response="183" optional="true"/>\n'
        + '<recv response="200" rrs="true"><action>\n'
        + '<ereg regexp="m=audio ([0-9]+)" search_in="msg" assign_to="media,audio"/>\n</action></recv>\n'
        + send(f"ACK [next_url] SIP/2.0\n{dialog}CSeq: 1 ACK\nMax-Forwards: 70\nContent-Length: 0\n")
        + "".join('<pause milliseconds="1000"/>\n' + press(key) for key in keys)
        + f'<pause milliseconds="{talk_ms}"/>\n'
        + send(f"BYE [next_url] SIP/2.0\n{dialog}CSeq: 2 BYE\nMax-Forwards: 70\nContent-Length: 0\n", 'retrans="500"')
        + '<recv response="200" next="end"/>\n'
        + label("bye")
        + reply(200, "OK", to_tag="")
        + label("end")
        + '<nop/>\n<Reference variables="media,audio"/>\n</scenario>\n'
    )


def registration(number: str, password: str) -> str:
    """One phone registers, or with `-key expires 0` goes."""
    head = (
        "REGISTER sip:[remote_ip]:[remote_port] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        f"From: <sip:{number}@[remote_ip]>;tag=r[call_number]\nTo: <sip:{number}@[remote_ip]>\n"
        "Call-ID: [call_id]\nCSeq: {sequence} REGISTER\n"
        f"Contact: <sip:{number}@[local_ip]:[contact_port]>\n"
    )
    tail = "Expires: [expires]\nMax-Forwards: 70\nContent-Length: 0\n"
    proof = f"[authentication username={number} password={password}]\n"
    return (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="register">\n'
        + send(head.replace("{sequence}", "1") + tail, 'retrans="500"')
        + '<recv response="401" auth="true"/>\n'
        + send(head.replace("{sequence}", "2") + proof + tail, 'retrans="500"')
        + '<recv response="200"/>\n</scenario>\n'
    )
