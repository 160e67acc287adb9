"""The HTTP window for monitoring: GET /metrics for Prometheus and GET /healthz for a probe, nothing else.

It must never change anything, show a directory, or answer a web page that rebinds its name to loopback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from dialerd.adapters.observe.logs import get_logger
from dialerd.adapters.observe.metrics import Metrics

log = get_logger("dialerd.observe.endpoint")

Health = Callable[[], tuple[bool, dict[str, object]]]
"""Cheap and synchronous: is the daemon well, and the details to show (no secrets, no numbers of customers)."""

STOP_TIMEOUT_S = 2.0
KEEPALIVE_S = 75.0
LONGEST_BODY = 1_024

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "dialerd",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Endpoint:
    """A running endpoint; `start` makes it."""

    def __init__(self, runner: web.AppRunner, port: int) -> None:
        self._runner = runner
        self.port = port
        """The TCP port it listens on; the one the system chose if 0 was asked for."""

    async def stop(self) -> None:
        """Close the port; requests under way get 2 seconds. May be called twice."""
        await self._runner.cleanup()


class _Window:
    """The handlers of one endpoint."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self._metrics = metrics
        self._health = health
        # One exposition at a time: a scraper that asks without end must not fill the thread pool.
        self._exposing = asyncio.Lock()

    async def metrics(self, request: web.Request) -> web.Response:
        accept = ",".join(request.headers.getall("Accept", []))
        async with self._exposing:
            body, content_type = await asyncio.to_thread(self._metrics.exposition, accept)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def healthz(self, _: web.Request) -> web.Response:
        try:
            well, details = self._health()
            body = orjson.dumps({**details, "ok": well}, default=str)
        except Exception:  # a probe that fails is an answer: not well
            log.exception("endpoint.health_failed")
            well, body = False, orjson.dumps({"ok": False, "error": "the health check itself failed; see the log"})
        return web.Response(body=body, status=200 if well else 503, content_type="application/json")


async def start(host: str, port: int, metrics: Metrics, health: Health) -> Endpoint:
    """Listen on `host`:`port` (0: any free port) and serve /metrics and /healthz until `stop`.

    On a loopback address only requests whose Host header names loopback are answered, so that a page in a browser on
    this machine cannot read the figures through a name of its own. Raises OSError if the address cannot be bound.
    """
    window = _Window(metrics, health)
    middlewares = [_only_loopback_names] if _is_loopback(host) else []
    app = web.Application(middlewares=middlewares, client_max_size=LONGEST_BODY)
    app.router.add_get("/metrics", window.metrics, allow_head=False)
    app.router.add_get("/healthz", window.healthz, allow_head=False)
    app.on_response_prepare.append(_secure)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_TIMEOUT_S, keepalive_timeout=KEEPALIVE_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
    except BaseException:
        await runner.cleanup()
        raise
    bound: int = runner.addresses[0][1]
    log.info("endpoint.listening", host=host, port=bound)
    return Endpoint(runner, bound)


@web.middleware
async def _only_loopback_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    named = request.headers.getall("Host", [])
    if len(named) != 1 or not _is_loopback(_without_port(named[0])):
        raise web.HTTPForbidden(text="Host header: only localhost, 127.0.0.0/8 or [::1] is answered here\n")
    return await handler(request)


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)


def _without_port(authority: str) -> str:
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
