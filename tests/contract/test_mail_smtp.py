"""Letters to a real SMTP server: what is taken, refused or put off, by which connection, and what stands in them (C05)."""

from __future__ import annotations

import asyncio
import email
import email.policy
import gc
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.adapters.mail.composing import composed
from dialerd.adapters.mail.smtp import Account, SmtpMailer
from dialerd.campaigns.notice_texts import one_line
from dialerd.ports.mailer import Delivery, Letter
from tests.doubles.loopback_ports import single_tcp_port
from tests.doubles.smtp_server import CLOSE, HOLD, TAKE_AND_CLOSE, SmtpServer

PATIENCE_S = 20.0
SENDER = "dialerd@example.vn"
LETTER = Letter("00c0ffee-00000000012-0001-001", "ada@example.vn", "Hello", "One\nTwo\n", 1_795_395_600.5)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio does not complain of lost exceptions or tasks."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def account(server: SmtpServer, **more: object) -> Account:
    return replace(Account(server.host, server.port, SENDER, timeout_s=10.0, data_timeout_s=10.0), **more)  # type: ignore[arg-type]


def trusting(server: SmtpServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.certificate)


@asynccontextmanager
async def mailing(of: Account) -> AsyncIterator[SmtpMailer]:
    mailer = SmtpMailer(of)
    try:
        yield mailer
    finally:
        await mailer.aclose()


async def once(of: Account, letter: Letter = LETTER) -> Delivery:
    async with mailing(of) as mailer:
        return await mailer.send(letter)


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


class TestLetters:
    async def test_C05_a_letter_is_taken_as_it_was_written(self, server: SmtpServer) -> None:
        words = ".\n..\n.one dot\nFrom here\nChiến dịch “Xuân” đã được duyệt\n" + "dài " * 600 + "\n\nhết\n"
        delivery = await once(account(server), replace_letter(subject="[main] Chiến dịch “Xuân”", text=words))
        assert (delivery.outcome, delivery.code) == ("accepted", 250)
        (taken,) = server.letters
        assert (taken.sender, taken.recipients) == (SENDER, ["ada@example.vn"])
        assert taken.text == words
        head = taken.message
        assert head["Subject"] == "[main] Chiến dịch “Xuân”"
        assert head["From"].addresses == (Address("dialerd", addr_spec=SENDER),)
        assert head["To"].addresses == (Address(addr_spec="ada@example.vn"),)
        assert head["Date"].datetime == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
        assert head["Message-ID"] == "<00c0ffee-00000000012-0001-001@example.vn>"
        assert head["Auto-Submitted"] == "auto-generated"
        assert head.get_content_type() == "text/plain"

    async def test_C05_no_value_makes_a_second_line_of_the_head(self, server: SmtpServer) -> None:
        nasty = "x\r\nBcc: all@example.com\r\n\r\nbody"
        letters = (
            replace_letter(subject=nasty),
            replace_letter(to="a@example.vn>\r\nRCPT TO:<b@example.vn"),
            replace_letter(to="a@example.vn\r\nBcc: b@example.vn"),
            replace_letter(id="1>\r\nBcc: b@example.vn"),
            replace_letter(subject="\ud800"),
            replace_letter(text="\ud800"),
        )
        async with mailing(account(server)) as mailer:
            for letter in letters:
                delivery = await mailer.send(letter)
                assert (delivery.outcome, delivery.code) == ("refused", None), letter
                assert "cannot be written" in delivery.because
                assert delivery.because.isprintable()
            assert (await mailer.send(LETTER)).outcome == "accepted"
        assert [taken.recipients for taken in server.letters] == [["ada@example.vn"]]

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=250), st.text(max_size=400))
    def test_C05_any_name_makes_one_plain_letter(self, name: str, words: str) -> None:
        subject = one_line(name, 190)
        text = "".join(f"{one_line(line, 300)}\n" for line in words.splitlines())
        content = composed(replace_letter(subject=subject, text=text), SENDER, "dialerd")
        assert content.isascii()
        assert all(len(line) <= 998 and b"\n" not in line and b"\r" not in line for line in content.split(b"\r\n"))
        read = email.message_from_bytes(content, policy=email.policy.default)
        assert list(read.keys()) == [
            *("Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted"),
            *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
        ]
        assert str(read["Subject"]) == subject
        assert read.get_content().replace("\r\n", "\n") in (text, text or "\n")

    def test_C05_the_same_letter_gives_the_same_bytes(self) -> None:
        assert composed(LETTER, SENDER, "dialerd") == composed(LETTER, SENDER, "dialerd")

    def test_C05_a_long_domain_leaves_the_id_of_the_letter_whole(self) -> None:
        domain = ".".join(["a" * 60] * 4)
        read = email.message_from_bytes(composed(LETTER, f"d@{domain}", "dialerd"))
        assert read["Message-ID"] == f"<{LETTER.id}@{domain}>"


def replace_letter(**more: str) -> Letter:
    return Letter(**{**{name: getattr(LETTER, name) for name in Letter.__struct_fields__}, **more})


class TestAnswers:
    async def test_C05_451_is_later_and_the_next_try_is_taken(self, server: SmtpServer) -> None:
        server.order("rcpt", "451 4.7.1 greylisted, come again")
        async with mailing(account(server)) as mailer:
            first = await mailer.send(LETTER)
            assert (first.outcome, first.code, first.away) == ("later", 451, False)
            assert first.because == "451 4.7.1 greylisted, come again"
            assert (await mailer.send(LETTER)).outcome == "accepted"
        assert mailer.connections == 1
        assert len(server.letters) == 1

    @pytest.mark.parametrize("stage", ["rcpt", "data"])
    async def test_C05_550_is_for_good(self, server: SmtpServer, stage: str) -> None:
        server.order(stage, "550 5.1.1 no such user")
        async with mailing(account(server)) as mailer:
            delivery = await mailer.send(LETTER)
            assert delivery == Delivery("refused", 550, "550 5.1.1 no such user")
            assert (await mailer.send(LETTER)).outcome == "accepted", "the next letter goes"

    async def test_C05_a_refused_sender_is_our_own_trouble_and_the_letter_is_kept(self, server: SmtpServer) -> None:
        server.order("mail", "553 5.1.8 sender unknown here")
        delivery = await once(account(server))
        assert (delivery.outcome, delivery.code, delivery.away) == ("later", 553, True)
        assert "sender was refused" in delivery.because

    async def test_C05_a_letter_too_large_is_refused_for_good(self, server: SmtpServer) -> None:
        server.order("mail", "552 5.3.4 too large")
        assert (await once(account(server))).outcome == "refused"

    async def test_C05_a_server_that_wants_a_login_gets_the_letter_later(self, server: SmtpServer) -> None:
        server.order("rcpt", "530 5.7.0 authentication required")
        delivery = await once(account(server))
        assert (delivery.outcome, delivery.code, delivery.away) == ("later", 530, True)

    async def test_C05_421_is_later_on_a_new_connection(self, server: SmtpServer) -> None:
        server.order("rcpt", "421 4.3.2 going down")
        async with mailing(account(server)) as mailer:
            delivery = await mailer.send(LETTER)
            assert (delivery.outcome, delivery.code, delivery.away) == ("later", 421, True)
            assert (await mailer.send(LETTER)).outcome == "accepted"
        assert mailer.connections == 2

    async def test_C05_a_connection_cut_in_the_middle_of_a_letter_is_later(self, server: SmtpServer) -> None:
        server.order("data", CLOSE)
        async with mailing(account(server)) as mailer:
            delivery = await mailer.send(LETTER)
            assert (delivery.outcome, delivery.code, delivery.away) == ("later", None, True)
            assert "under the letter" in delivery.because
            assert (await mailer.send(LETTER)).outcome == "accepted"
        assert len(server.letters) == 1

    async def test_C05_a_letter_taken_without_an_answer_comes_twice_under_one_id(self, server: SmtpServer) -> None:
        server.order("data", TAKE_AND_CLOSE)
        async with mailing(account(server)) as mailer:
            assert (await mailer.send(LETTER)).outcome == "later"
            assert (await mailer.send(LETTER)).outcome == "accepted"
        one, two = server.letters
        assert one.content == two.content
        assert one.message["Message-ID"] == "<00c0ffee-00000000012-0001-001@example.vn>"

    async def test_C05_a_server_without_a_banner_is_left_in_time(self, server: SmtpServer) -> None:
        server.order("connect", HOLD)
        delivery = await once(account(server, timeout_s=0.2))
        assert (delivery.outcome, delivery.code, delivery.away) == ("later", None, True)
        await until(lambda: server.events("lost") == 1)
        assert (await once(account(server))).outcome == "accepted"

    @pytest.mark.parametrize(("said", "code"), [("554 5.3.2 no service here", 554), ("hello", -1), (CLOSE, None)])
    async def test_C05_a_server_that_turns_away_is_later(self, server: SmtpServer, said: str, code: int | None) -> None:
        server.order("connect", said)
        delivery = await once(account(server))
        assert (delivery.outcome, delivery.code, delivery.away) == ("later", code, True)
        assert "cannot connect" in delivery.because

    async def test_C05_no_server_is_later(self) -> None:
        nowhere = Account("127.0.0.1", single_tcp_port(), SENDER, timeout_s=10.0)
        delivery = await once(nowhere)
        assert (delivery.outcome, delivery.code, delivery.away) == ("later", None, True)

    async def test_C05_a_host_that_is_no_name_is_later_too(self) -> None:
        delivery = await once(Account("..", 25, SENDER, timeout_s=10.0))
        assert (delivery.outcome, delivery.away) == ("later", True)

    async def test_C05_a_servers_words_are_cut_and_cannot_break_a_log(self, server: SmtpServer) -> None:
        server.order("rcpt", "550 \x1b[31m" + "x" * 1000)
        because = (await once(account(server))).because
        assert because.isprintable()
        assert len(because) <= 310

    async def test_C05_a_letter_that_is_cut_off_leaves_no_connection(self, server: SmtpServer) -> None:
        server.order("noop", HOLD)
        async with mailing(account(server)) as mailer:
            assert (await mailer.send(LETTER)).outcome == "accepted"
            sending = asyncio.create_task(mailer.send(LETTER))
            await until(lambda: server.events("order") == 1)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            assert sending.cancelled()
            await until(lambda: server.events("lost") == 1)
            assert (await mailer.send(LETTER)).outcome == "accepted"
        assert mailer.connections == 2


class TestConnections:
    async def test_C05_a_burst_goes_over_one_connection_that_ends_in_order(self, server: SmtpServer) -> None:
        async with mailing(account(server)) as mailer:
            answers = await asyncio.gather(*(mailer.send(replace_letter(id=f"id-{n}")) for n in range(30)))
        assert {answer.outcome for answer in answers} == {"accepted"}
        assert len(server.letters) == 30
        await until(lambda: server.events("lost") == 1)
        assert (server.events("connected"), server.events("quit")) == (1, 1)

    async def test_C05_an_idle_connection_is_closed_and_the_next_letter_makes_a_new_one(
        self, server: SmtpServer
    ) -> None:
        async with mailing(account(server, idle_s=0.05)) as mailer:
            await mailer.send(LETTER)
            await until(lambda: server.events("quit") == 1)
            assert (await mailer.send(LETTER)).outcome == "accepted"
        assert mailer.connections == 2

    async def test_C05_a_connection_the_server_has_tired_of_is_replaced_at_once(self, server: SmtpServer) -> None:
        async with mailing(account(server)) as mailer:
            await mailer.send(LETTER)
            server.order("noop", CLOSE)
            assert (await mailer.send(LETTER)).outcome == "accepted"
            server.stop()
            assert (await mailer.send(LETTER)).away
            server.start()
            assert (await mailer.send(LETTER)).outcome == "accepted"
        assert len(server.letters) == 3


class TestLoginAndTls:
    async def test_C05_the_login_is_used(self) -> None:
        with SmtpServer(user="dialerd", password="mật khẩu") as server:
            delivery = await once(account(server, username="dialerd", password="mật khẩu"))
            assert delivery.outcome == "accepted"
            assert server.letters[0].login == "dialerd"

    async def test_C05_a_wrong_password_is_later_and_is_not_told(self) -> None:
        with SmtpServer(user="dialerd", password="right-one") as server:
            delivery = await once(account(server, username="dialerd", password="wrong-one"))
            assert (delivery.outcome, delivery.code, delivery.away) == ("later", 535, True)
            assert "login was refused" in delivery.because
            assert "wrong-one" not in delivery.because
            assert server.events("refused login") >= 1
            assert server.letters == []

    @pytest.mark.parametrize("tls", ["starttls", "tls"])
    def test_C05_tls_with_login_on_the_daemons_own_event_loop(self, tls: str) -> None:
        with SmtpServer(tls, user="dialerd", password="secret") as server:
            of = account(server, tls=tls, context=trusting(server), username="dialerd", password="secret")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                delivery = runner.run(once(of))
            assert delivery.outcome == "accepted", delivery
            (taken,) = server.letters
            assert (taken.tls, taken.login) == (True, "dialerd")

    @pytest.mark.parametrize("tls", ["starttls", "tls"])
    async def test_C05_a_certificate_that_nobody_vouches_for_gets_no_letter_and_no_password(self, tls: str) -> None:
        with SmtpServer(tls, user="dialerd", password="secret") as server:
            of = account(server, tls=tls, context=ssl.create_default_context(), username="dialerd", password="secret")
            delivery = await once(of)
            assert (delivery.outcome, delivery.away) == ("later", True)
            assert "certificate" in delivery.because.lower(), delivery
            assert server.letters == []
            assert server.events("refused login") == 0

    @pytest.mark.parametrize("tls", ["starttls", "tls"])
    def test_C05_a_refused_certificate_leaves_nothing_behind_on_the_daemons_own_event_loop(self, tls: str) -> None:
        with SmtpServer(tls) as server:
            of = account(server, tls=tls, context=ssl.create_default_context())
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                delivery = runner.run(once(of))
            assert (delivery.outcome, delivery.away) == ("later", True)

    @pytest.mark.parametrize("tls", ["starttls", "tls"])
    async def test_C05_a_certificate_of_another_host_is_refused(self, tls: str) -> None:
        with SmtpServer(tls, names="DNS:mail.example.vn") as server:
            delivery = await once(account(server, tls=tls, context=trusting(server)))
            assert delivery.outcome == "later"
            assert "127.0.0.1" in delivery.because, delivery
            assert server.letters == []

    async def test_C05_without_starttls_on_offer_nothing_is_sent(self, server: SmtpServer) -> None:
        of = account(server, tls="starttls", context=ssl.create_default_context(), username="a", password="b")
        delivery = await once(of)
        assert (delivery.outcome, delivery.away) == ("later", True)
        assert "STARTTLS" in delivery.because
        assert server.letters == []

    def test_C05_an_account_that_cannot_be_is_refused(self) -> None:
        with pytest.raises(ValueError, match="context"):
            SmtpMailer(Account("127.0.0.1", 25, SENDER, tls="tls"))
        with pytest.raises(ValueError, match="password"):
            SmtpMailer(Account("127.0.0.1", 25, SENDER, username="a"))
