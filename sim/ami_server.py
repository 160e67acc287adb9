"""The street's face on TCP: an AMI server that a real client takes for Asterisk 22 with the daemon's dialplan.

Never does for a client what Asterisk would not: what a session missed while it was away stays missed.
Answering machine detection, recording and synchronous Originates are not simulated.

    python -m sim.ami_server --scenario demo --speed 10 --seed 7

prints one line of JSON with the port and the control port. SIGUSR1 and the end print the street's books (or write
them to --books).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import deque
from pathlib import Path
from types import TracebackType

from sim.ami_actions import AmiActions
from sim.ami_channels import Switchboard, system_event
from sim.ami_control import Control
from sim.ami_protocol import FILTERED, Action, AmiEvent, error
from sim.ami_session import Session, User
from sim.faults import Cut, CutAtAction, FailAction, Faults, IgnoreAction, Restart, Stall
from sim.scenario import Scenario, ScenarioError, read_scenario
from sim.street import Street
from sim.street_events import AgentWants

USERS = {"dialerd": User("dialerd"), "rig": User("rig", events=None)}


class StreetClock:
    """The street's time: `speed` seconds of it pass in one second of the wall."""

    def __init__(self, start: float, speed: float) -> None:
        self._start = start
        self._from = time.monotonic()
        self.speed = speed

    def now(self) -> float:
        """The instant on the street; never goes back."""
        return self._start + (time.monotonic() - self._from) * self.speed


class AmiServer:
    """A street behind AMI. Use as `async with`; `port` and `control_port` are known inside."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int | None = None,
        speed: float = 1.0,
        port: int = 0,
        control_port: int = 0,
        host: str = "127.0.0.1",
        users: dict[str, User] | None = None,
        shuffle: bool = False,
        start: float | None = None,
    ) -> None:
        """`start`: the street's instant at the start, the wall's if not given. Raises ValueError for a speed not over 0."""
        if not speed > 0:
            raise ValueError(f"speed: found {speed!r}, allowed: more than 0")
        self.users = dict(USERS if users is None else users)
        self.host = host
        self.port = port
        self.control_port = control_port
        self.clock = StreetClock(time.time() if start is None else start, speed)
        self.street = Street(scenario, seed, self.clock.now())
        self.faults = Faults(self._act_fault)
        self.faults.shuffle = shuffle
        self.stalled = False
        self._chance = random.Random(scenario.seed if seed is None else seed)
        self._board = Switchboard()
        self._actions = AmiActions(self.street, self._board, self.clock.now)
        self._sessions: list[Session] = []
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._control = Control(self)
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thaw: asyncio.TimerHandle | None = None
        self._return: asyncio.Task[None] | None = None
        self._dead = False  # between the exchange's death and its new start

    async def __aenter__(self) -> AmiServer:
        await self._listen()
        self.control_port = await self._control.listen(self.host, self.control_port)
        self.catch_up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in (self._timer, self._thaw):
            if handle is not None:
                handle.cancel()
        if self._return is not None:
            self._return.cancel()
            await asyncio.gather(self._return, return_exceptions=True)
        await self._control.close()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        self._end_sessions("abort")
        await self._nobody.wait()
        if listener is not None:
            await listener.wait_closed()

    # --- what a session needs (ami_session.Exchange)

    @property
    def response_delay_s(self) -> float:
        """How much later responses are sent."""
        return self.faults.delay_s

    @response_delay_s.setter
    def response_delay_s(self, delay_s: float) -> None:
        self.faults.delay_s = delay_s

    def opened(self, session: Session) -> None:
        """A client connected."""
        self._sessions.append(session)
        self._nobody.clear()

    def closed(self, session: Session) -> None:
        """A connection is gone."""
        if session in self._sessions:
            self._sessions.remove(session)
        if not self._sessions:
            self._nobody.set()

    def refuses_login(self) -> bool:
        """Whether the login under way fails."""
        return self.faults.refuses_login()

    def challenge(self) -> str:
        """A new challenge."""
        return str(self._chance.randrange(100_000_000, 1_000_000_000))

    def logged_in(self, session: Session) -> None:
        """Tell the client that the exchange is up."""
        uptime = self._actions.uptime_s
        event = system_event("FullyBooted", ("Uptime", uptime), ("LastReload", uptime), ("Status", "Fully Booted"))
        if session.wants(event):
            session.respond(event.text)  # behind the login's response, also when that is late

    def act(self, session: Session, action: Action) -> None:
        """Do an action, answer it, and tell everybody what came of it."""
        fault = self.faults.at_action(action.name)
        if isinstance(fault, IgnoreAction):
            return
        if isinstance(fault, FailAction):
            session.respond(error(action, fault.message))
            return
        if isinstance(fault, CutAtAction) and fault.when == "before":
            session.end("abort")
            return
        self.catch_up()
        answer = self._actions.answer(action)
        if isinstance(fault, CutAtAction):
            session.end("abort")
        else:
            session.respond(answer)
        self.catch_up()

    @property
    def logged_in_sessions(self) -> int:
        """How many clients are logged in."""
        return sum(1 for session in self._sessions if session.open and session.user is not None)

    # --- time

    def catch_up(self) -> None:
        """Let the street's time come up to now, and tell everybody what happened."""
        batch: list[AmiEvent] = self._actions.happened[:]
        self._actions.happened.clear()
        at = self.street.now
        for event in self.street.advance(self.clock.now()):
            if event.at != at:
                self._tell(batch)
                batch, at = [], event.at
            if isinstance(event, AgentWants):
                self._control.tell_want(event)
            else:
                batch += self._board.tell(event)
        self._tell(batch)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.street.next_time()
        if due is not None:
            delay_s = max(0.0, (due - self.clock.now()) / self.clock.speed)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.catch_up)

    def _tell(self, events: list[AmiEvent]) -> None:
        for event in self._any_order(events) if self.faults.shuffle else events:
            listeners = [session for session in self._sessions if session.wants(event)]
            if not listeners:
                continue
            data = event.text.encode()
            copies = self.faults.copies(event.name)
            if copies and self.faults.cuts_packet():
                for session in listeners:
                    session.send(data[: len(data) // 2])
                    session.end()
                continue
            for session in listeners:
                for _ in range(copies):
                    session.send(data)

    def _any_order(self, events: list[AmiEvent]) -> list[AmiEvent]:
        threads: dict[str, deque[AmiEvent]] = {}
        for event in events:
            threads.setdefault(event.thread, deque()).append(event)
        mixed = []
        waiting = list(threads.values())
        while waiting:
            thread = self._chance.choice(waiting)
            mixed.append(thread.popleft())
            if not thread:
                waiting.remove(thread)
        return mixed

    # --- faults

    def _act_fault(self, fault: Cut | Stall | Restart) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(fault, Cut):
            self._end_sessions(fault.how)
            if fault.down_s > 0:
                self._stop_listening()
            self._come_back_after(fault.down_s)
        elif isinstance(fault, Stall):
            self.stalled = True
            for session in self._sessions:
                session.freeze()
            if self._thaw is not None:
                self._thaw.cancel()
            self._thaw = loop.call_later(fault.for_s, self._end_stall)
        else:
            self._die(fault)
            self._come_back_after(fault.down_s)

    def _end_stall(self) -> None:
        self.stalled = False
        for session in list(self._sessions):
            session.thaw()

    def _die(self, fault: Restart) -> None:
        self._stop_listening()
        self._dead = True
        self.catch_up()
        if fault.clean:
            for leg in self.street.legs():
                self.street.hang_up(leg.id, self.street.now)
            self.catch_up()
            self._tell([system_event("Shutdown", ("Shutdown", "Cleanly"), ("Restart", "False"))])
        else:
            self.street.vanish(self.clock.now())
            self.catch_up()
        self._end_sessions("close" if fault.clean else "abort")
        self._actions.restarted()

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _come_back_after(self, down_s: float) -> None:
        if self._return is not None:
            self._return.cancel()
        self._return = asyncio.get_running_loop().create_task(self._come_back(down_s))

    async def _come_back(self, down_s: float) -> None:
        await asyncio.sleep(down_s)
        if self._dead:
            self._dead = False
            self._actions.restarted()
        if self._listener is None:
            await self._listen()

    def _end_sessions(self, how: str) -> None:
        for session in list(self._sessions):
            session.end("abort" if how == "abort" else "close")

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Session(self), self.host, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]


def write_books(server: AmiServer, path: Path | None) -> None:
    """The books as they are now, to a file at once or as a line on stdout."""
    server.catch_up()
    text = server.street.books.as_json() + b"\n"
    if path is None:
        sys.stdout.write(text.decode())
        sys.stdout.flush()
    else:
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(text)
        os.replace(fresh, path)


async def serve(options: argparse.Namespace, scenario: Scenario) -> None:
    """Run until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    users = {options.user: User(options.secret, None if options.unfiltered else FILTERED)} if options.user else None
    async with AmiServer(
        scenario,
        seed=options.seed,
        speed=options.speed,
        port=options.port,
        control_port=options.control_port,
        users=users,
        shuffle=options.shuffle,
    ) as server:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, write_books, server, options.books)
        ports = {"port": server.port, "control_port": server.control_port, "pid": os.getpid()}
        sys.stdout.write(json.dumps(ports) + "\n")
        sys.stdout.flush()
        await stop.wait()
        write_books(server, options.books)


def main(arguments: list[str] | None = None) -> int:
    """The command line. 2: a wrong scenario or option."""
    parser = argparse.ArgumentParser(prog="python -m sim.ami_server", description="A street behind AMI, like Asterisk.")
    parser.add_argument("--scenario", default="demo", help="name of a scenario of sim/scenarios, or a YAML file")
    parser.add_argument("--port", type=int, default=0, help="AMI port on loopback; 0: any")
    parser.add_argument("--control-port", type=int, default=0, help="control port on loopback; 0: any")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the street in one second")
    parser.add_argument("--seed", type=int, default=None, help="instead of the scenario's")
    parser.add_argument("--shuffle", action="store_true", help="events of one instant in any order Asterisk allows")
    parser.add_argument("--user", default="", help="the only AMI user; without it: dialerd and rig")
    parser.add_argument("--secret", default="", help="his secret")
    parser.add_argument("--unfiltered", action="store_true", help="he gets every event the street knows")
    parser.add_argument("--books", type=Path, default=None, help="file for the books, instead of stdout")
    options = parser.parse_args(arguments)
    if not options.speed > 0:
        parser.error(f"--speed: found {options.speed:g}, allowed: more than 0")
    try:
        scenario = read_scenario(options.scenario)
    except ScenarioError as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 2
    asyncio.run(serve(options, scenario))
    return 0


if __name__ == "__main__":
    sys.exit(main())
