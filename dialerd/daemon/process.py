"""The life of one process: it starts the parts, watches them, reloads, drains and stops.

Never decides anything about calls, and never makes a part that needs a secret: that is `assembly`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dialerd import __version__
from dialerd.adapters.asterisk.telephony import AsteriskTelephony
from dialerd.adapters.mqtt.bus import MqttBus
from dialerd.adapters.mqtt.intake import Request
from dialerd.adapters.observe import endpoint
from dialerd.adapters.observe.logs import configure, get_logger
from dialerd.adapters.observe.metrics import Metrics
from dialerd.adapters.observe.systemd import Watchdog
from dialerd.adapters.observe.watching import Watching
from dialerd.adapters.socket.server import LocalSocket, SocketTrouble
from dialerd.campaigns.supply import name_taken
from dialerd.control.table import Who
from dialerd.daemon.assembly import Assembly, CannotStartError
from dialerd.daemon.reloading import configured, reloaded
from dialerd.model.errors import OurMistakeError, Refusal
from dialerd.model.intents import AnyIntent
from dialerd.model.notices import NoticeRow
from dialerd.model.rows import AttemptRow, AuditRow
from dialerd.model.turn import Committed
from dialerd.ports.exports import ExportFailingError
from dialerd.ports.message_bus import MessageBus, NoBus
from dialerd.ports.store import StoreFailingError
from dialerd.runtime.carry_out import CarryOut
from dialerd.runtime.draining import drain, pause
from dialerd.runtime.exchange import Exchange
from dialerd.runtime.lead_screens import LeadScreens
from dialerd.runtime.notifying import Notifying, Reach
from dialerd.runtime.publishing import Publishing
from dialerd.runtime.requests import Requests
from dialerd.runtime.stalls import Stalls
from dialerd.runtime.standing import Standing
from dialerd.runtime.turn_loop import TurnLoop
from dialerd.runtime.wall_clock import FastClock, WallClock
from dialerd.settings.mail import Mail
from dialerd.settings.read import read
from dialerd.settings.shape import Settings
from dialerd.settings.trouble import Wrong

log = get_logger("dialerd")

FIRST_LINK_S = 3.0
"""Seconds that the start waits for a first try at Asterisk before it says READY."""
PRUNE_S = 3600.0
HANDOVER_S = 0.0005
"""Seconds that a thread which reads rows may keep the interpreter. With Python's own 5 ms each statement of a commit waits so
long for it: measured beside an export, the loop stood for up to 100 ms, and with this for 17."""
UPLOADS_S = 86400.0
"""Seconds that an upload is kept after it was touched last."""


class Daemon:
    """One running dialerd. `run` returns when it was stopped in order."""

    def __init__(
        self, settings: Settings, *, file: str, env: Mapping[str, str], clock: WallClock | None = None
    ) -> None:
        self.settings = settings
        self._file = file
        self._env = env
        self._assembly = Assembly(file, env)
        self._clock = clock or WallClock()
        self._watchdog = Watchdog(env)
        self._stop = asyncio.Event()
        self._stop_now = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []
        self._metrics = Metrics(__version__)
        self._stalls = Stalls()
        self._mqtt: MqttBus | None = None
        self._endpoint: endpoint.Endpoint | None = None
        self._replies_under_way: set[asyncio.Task[None]] = set()

    # --- the life of the process

    async def run(self, *, signals: bool = True) -> None:
        """Start, serve until stopped, drain, end.

        Raises CannotStartError, and OurMistakeError or LiveAttemptError when the engine met its own mistake.
        """
        await self._open()
        try:
            await self._start(signals)
            await self._serve()
        finally:
            await self._end()

    async def _open(self) -> None:
        opened = await self._assembly.store(self.settings.store, self._clock.now())
        self.store, self.engine, self._token = opened.store, opened.engine, opened.token
        live = self.engine.live
        log.info("store.open", path=self.settings.store.path, turn=live.seq, live_calls=len(live.calls))

    async def _start(self, signals: bool) -> None:
        settings = self.settings
        loop = asyncio.get_running_loop()
        self.telephony: dict[str, AsteriskTelephony] = {}
        self._bus: MessageBus = NoBus()
        if settings.mqtt is not None:
            self._mqtt = self._bus = self._assembly.broker(
                settings.instance,
                settings.mqtt,
                on_request=self._asked_by_mqtt,
                on_status=self._mqtt_changed,
                daemon_state=lambda: msgspec.json.encode({"state": "online", "version": __version__}),
            )
        self._publishing = Publishing(self.engine, self._bus)
        self._screens = LeadScreens(self.engine, self.store, self._bus)
        self._watching = Watching(self._metrics, self.engine.live)
        self._notifying = self._made_notifying()
        exchange = Exchange(self.engine, lambda principal: self._reach(principal) is not None)
        self.turns = TurnLoop(exchange, self.store, self._clock, self._carry_out, self._tell)
        instance, path = settings.instance, settings.store.path
        self._standing = Standing(instance, path, self.engine.live, self.turns, self.telephony, self._clock)
        if self._mqtt is not None:
            self._standing.mqtt = (False, "connecting")
        self._exports = await self._assembly.exports(settings.exports)
        needed = [job.staged for job in self.engine.live.jobs.values() if job.staged]
        self._lists = await self._assembly.lists(settings.imports, needed)
        self.requests = Requests(
            self.engine, self.turns, self.store, self._clock, self, self._exports, self._lists, _say
        )
        self.requests.open()
        self._ports = CarryOut(self.telephony, self.store, self._clock, self.turns.put, self.requests.answered)
        self._socket = LocalSocket(
            settings.socket.path, settings.socket.mode_bits, settings.socket.roles_of, self._ask_local
        )
        try:
            await self._socket.start()
        except SocketTrouble as trouble:
            raise CannotStartError(str(trouble)) from None
        self._endpoint = await self._assembly.endpoint(settings.http, self._metrics, self._standing.health)
        self.turns.put(configured(settings))
        for name in settings.servers:
            self._add_server(name)
        if signals:
            for sign in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(sign, self.stop)
            loop.add_signal_handler(signal.SIGHUP, self._reload_by_signal)
        self._task("turns", self.turns.run())
        self._stalls.start()
        self._task("second", self._every_second())
        self._task("prune", self._prune())
        self._task("watchdog", self._watchdog.run(lambda: self.turns.beats))
        if settings.mail is not None:
            self._task("letters", self._notifying.run())
        if self._mqtt is not None:
            self._task("mqtt", self._mqtt.run())

    def _made_notifying(self) -> Notifying:
        mail = self.settings.mail
        return Notifying(
            self.store,
            self._clock,
            self._bus.publish_event,
            None if mail is None else self._assembly.mailer(mail),
            self._reach,
            token=self._token,
            instance=self.settings.instance,
            say=_say,
            **({} if mail is None else _manners(mail)),
        )

    async def _serve(self) -> None:
        await self._first_link()
        self._name_taken()
        # What is there now stays: the collector need not go through it again and again (46 ms each time) while rows are read.
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(HANDOVER_S)
        self._watchdog.ready(self._standing.line())
        log.info("ready", instance=self.settings.instance, socket=self.settings.socket.path)
        stop = asyncio.create_task(self._stop.wait())
        await self._watch(stop)
        limit = self.settings.drain.limit_s
        self._watchdog.stopping(f"draining: {len(self.engine.live.calls)} calls, at most {limit:.0f} s")
        log.info("draining", live_calls=len(self.engine.live.calls), limit_s=limit)
        drained = asyncio.create_task(drain(self.engine.live, self.turns, limit, self._stop_now))
        await self._watch(drained)
        log.info("stopping", live_calls=len(self.engine.live.calls))

    async def _watch(self, until: asyncio.Task[Any]) -> None:
        """Wait for `until`; a side task that dies first stops the daemon with its error."""
        done, _ = await asyncio.wait({until, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        if until in done:
            return
        until.cancel()
        for task in done:
            log.error("task.died", task=task.get_name(), error=repr(task.exception()))
            trouble = task.exception()
            raise trouble if trouble is not None else OurMistakeError(f"task {task.get_name()} ended by itself")

    async def _end(self) -> None:
        if hasattr(self, "_socket"):
            await self._socket.stop()
        if self._endpoint is not None:
            await self._endpoint.stop()
        if hasattr(self, "requests"):
            await self.requests.aclose()
            await self._ports.aclose()
            await self._screens.aclose()
        self._stalls.stop()
        for task in (*self._tasks, *self._replies_under_way):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._replies_under_way, return_exceptions=True)
        if hasattr(self, "_notifying"):
            await self._notifying.aclose()
        for server in getattr(self, "telephony", {}).values():
            await server.aclose()
        await self.store.close()

    def stop(self) -> None:
        """Drain and stop; asked a second time: stop at once. Calls in progress go on without us."""
        if self._stop.is_set():
            self._stop_now.set()
        self._stop.set()

    def _task(self, name: str, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    async def _first_link(self) -> None:
        """Give every server a moment for its first try, so that READY means something."""
        loop = asyncio.get_running_loop()
        end = loop.time() + FIRST_LINK_S
        while loop.time() < end and not all(server.connected for server in self.telephony.values()):
            await pause(0.02, self._stop)
            if self._stop.is_set():
                return

    def _reach(self, principal: str) -> Reach | None:
        """Where a person reads letters now; None: nowhere."""
        mail, person = self.settings.mail, self.engine.live.floor.people.get(principal)
        if mail is None or person is None or person.email is None:
            return None
        return Reach(person.email, person.language or mail.language)

    # --- servers and the broker

    def _add_server(self, name: str) -> None:
        telephony = self._assembly.server(name, self.settings, self._token, self.turns.put)
        telephony.count_ordinary(self.settings.counted_on(name))
        self.telephony[name] = telephony
        self._task(f"ami.{name}", telephony.run())

    def _mqtt_changed(self, up: bool, why: str) -> None:
        self._standing.mqtt = (up, why)
        self._metrics.mqtt_link(up)
        (log.info if up else log.warning)("mqtt.link", up=up, because=why)

    # --- turns

    def _carry_out(self, committed: Committed, intents: Sequence[AnyIntent]) -> None:
        self._ports(committed, intents)

    def _tell(self, committed: Committed, seconds: float) -> None:
        self._stalls.turn(self.turns.turn_s)
        self._watching.committed(committed, seconds)
        self._publishing.committed(committed)
        self._screens.committed(committed)
        if committed.rows and type(committed.rows[-1]) is NoticeRow:  # they come last
            self._notifying.told(row for row in committed.rows if isinstance(row, NoticeRow))
        for row in committed.rows:
            if isinstance(row, AuditRow):
                log.info("audit", principal=row.principal, command=row.command, subject=row.subject, note=row.note)
            elif isinstance(row, AttemptRow) and not row.live:
                log.debug("call.ended", call=row.id, campaign=row.campaign, outcome=row.outcome, agent=row.agent)

    async def _every_second(self) -> None:
        failing = ""
        while True:
            await pause(1.0, asyncio.Event())
            self._stalls.second()
            self._metrics.stalled(*self._stalls.lately())
            if self.turns.failing != failing:
                failing = self.turns.failing
                log.error("store.failing", because=failing) if failing else log.info("store.writes_again")
            dropped = 0 if self._mqtt is None else self._mqtt.counters.dropped
            self._watching.second(self.turns.depth, bool(failing), self.telephony, dropped)
            if not failing:
                self._publishing.second()
            if self._mqtt is not None:
                self._bus.publish_state("daemon", msgspec.json.encode({"state": "online", **self.status()}))
            self._watchdog.status(self._standing.line())

    async def _prune(self) -> None:
        while True:
            await pause(PRUNE_S, asyncio.Event())
            now, keep = self._clock.now(), self.settings.store
            try:
                await self.store.prune(now - keep.keep_turns_days * 86400, now - keep.keep_replies_days * 86400)
                await self.store.prune_notices(now - keep.keep_turns_days * 86400)
                purged = await self.store.purge_deleted(now - keep.keep_deleted_days * 86400)
                if purged:
                    log.info("store.purged", leads=purged)
                await self.store.maintain()
            except StoreFailingError as trouble:
                log.warning("store.prune_failed", because=str(trouble))
            try:
                dropped = await self._exports.prune(now - self.settings.exports.keep_days * 86400)
                if dropped:
                    log.info("exports.pruned", files=dropped)
            except ExportFailingError as trouble:
                log.warning("exports.prune_failed", because=str(trouble))
            try:
                imports = self.settings.imports
                await asyncio.to_thread(self._lists.files.expire, now - UPLOADS_S, now - imports.keep_days * 86400)
            except OSError as trouble:
                log.warning("imports.prune_failed", because=str(trouble))
            replies = self.engine.live.replies
            for key in list(replies)[: max(0, len(replies) - 20_000)]:
                del replies[key]

    # --- commands

    async def _ask_local(
        self, principal: str, roles: frozenset[str], command: str, id_: str, args: Mapping[str, Any]
    ) -> str:
        return await self.requests.ask(Who(principal, roles), command, id_, args)

    def _asked_by_mqtt(self, request: Request) -> None:
        who = Who(request.principal, self.requests.roles_of(request.principal))

        async def answer() -> None:
            reply = await self.requests.ask(who, request.command, request.id, request.args)
            request.reply(reply.encode())

        task = asyncio.get_running_loop().create_task(answer())
        self._replies_under_way.add(task)
        task.add_done_callback(self._replies_under_way.discard)

    # --- House: what only the process knows

    def status(self) -> dict[str, Any]:
        """How the process stands."""
        return self._standing.status() | {"mail": self._notifying.status(), "stalls": self._stalls.status()}

    async def reload(self) -> dict[str, Any]:
        """Read the configuration again and let it hold; calls go on. Raises Refusal when it is wrong."""
        with self._watchdog.reloading(self._standing.line):
            try:
                new = await asyncio.to_thread(read, self._file, self._env)
            except Wrong as wrong:
                raise Refusal("bad_configuration", str(wrong), None, None) from None
            self.settings, needs_restart = reloaded(self.settings, new)
            for name in self.settings.servers:
                if name not in self.telephony:
                    try:
                        self._add_server(name)
                    except CannotStartError as trouble:
                        raise Refusal("bad_configuration", str(trouble)) from None
            for name, telephony in self.telephony.items():
                telephony.count_ordinary(self.settings.counted_on(name))
            configure(new.logs.level, new.logs.format, new.logs.mask_numbers)
            await self.turns.settle(configured(self.settings))
            log.info("reloaded", needs_restart=needs_restart)
            return {"reloaded": self._file, "needs_restart": needs_restart, "name_taken": self._name_taken()}

    def _name_taken(self) -> list[str]:
        """Campaigns of the configuration whose name another has; told, for nothing of them holds."""
        taken = name_taken(self.engine.live)
        if taken:
            log.warning("campaigns.name_taken", campaigns=taken)
        return taken

    def _reload_by_signal(self) -> None:
        async def reload() -> None:
            try:
                await self.reload()
            except Refusal as refusal:
                log.error("reload.refused", because=refusal.message)

        task = asyncio.get_running_loop().create_task(reload())
        self._replies_under_way.add(task)
        task.add_done_callback(self._replies_under_way.discard)


def _say(level: str, event: str, facts: Mapping[str, object]) -> None:
    getattr(log, level)(event, **facts)


def _manners(mail: Mail) -> dict[str, Any]:
    """How letters are written and how many may go."""
    return {
        "zone": mail.time_zone,
        "per_minute": mail.letters_per_minute,
        "per_person_per_hour": mail.letters_per_person_per_hour,
    }


def run(file: str, env: Mapping[str, str] | None = None, speed: float = 1.0, since: float | None = None) -> None:
    """Read the configuration and run until stopped. Raises Wrong or CannotStartError before anything was started.

    `speed`: seconds of the daemon's clock in one second of the wall, for a simulated street only; `since`: the wall's
    instant from which that clock runs, the start if not given (a daemon started again would else go back in time).
    """
    import uvloop

    env = os.environ if env is None else env
    settings = read(file, env)
    configure(settings.logs.level, settings.logs.format, settings.logs.mask_numbers)

    async def main() -> None:
        clock = WallClock() if speed == 1.0 else FastClock(speed, since)
        await Daemon(settings, file=file, env=env, clock=clock).run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
