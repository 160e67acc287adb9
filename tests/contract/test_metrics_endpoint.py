"""O05: what Prometheus and a probe get over a real loopback socket.

Must never reach beyond loopback.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from dialerd.adapters.observe import endpoint
from dialerd.adapters.observe.endpoint import Endpoint
from dialerd.adapters.observe.metrics import MOST_CHILDREN, Metrics

DEADLINE = aiohttp.ClientTimeout(total=10)


class Body:
    """The daemon's answer about its health, as the test wants it."""

    def __init__(self) -> None:
        self.well = True
        self.details: dict[str, Any] = {"ami": {"ast1": "up"}}
        self.failure: Exception | None = None

    def __call__(self) -> tuple[bool, dict[str, object]]:
        if self.failure is not None:
            raise self.failure
        return self.well, self.details


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


@pytest.fixture
def body() -> Body:
    return Body()


@pytest_asyncio.fixture
async def served(metrics: Metrics, body: Body) -> AsyncIterator[Endpoint]:
    running = await endpoint.start("127.0.0.1", 0, metrics, body)
    yield running
    await running.stop()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=DEADLINE) as session:
        yield session


def url(served: Endpoint, path: str) -> str:
    return f"http://127.0.0.1:{served.port}{path}"


def samples(metrics: Metrics) -> dict[str, float]:
    """Every sample as `name{label=value,...}`, without the creation times."""
    text = metrics.exposition("")[0].decode()
    found = {}
    for family in read_text(text):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def of(metrics: Metrics, prefix: str) -> dict[str, float]:
    return {name: value for name, value in samples(metrics).items() if name.startswith(prefix)}


# The figures


def test_O05_turns_and_their_facts_are_counted_and_timed(metrics: Metrics) -> None:
    metrics.turn_committed(0.003, {"CallAnswered": 2, "AgentReady": 1})
    metrics.turn_committed(0.2, {"CallAnswered": 1})
    metrics.inbox_depth(17)
    found = samples(metrics)
    assert found["dialerd_turns_total{}"] == 2
    assert of(metrics, "dialerd_facts_total") == {
        "dialerd_facts_total{kind=CallAnswered}": 3,
        "dialerd_facts_total{kind=AgentReady}": 1,
    }
    assert found["dialerd_turn_commit_seconds_count{}"] == 2
    assert found["dialerd_turn_commit_seconds_sum{}"] == pytest.approx(0.203)
    assert found["dialerd_turn_commit_seconds_bucket{le=0.005}"] == 1
    assert found["dialerd_inbox_depth{}"] == 17


def test_O05_originates_are_counted_by_trunk_and_outcome(metrics: Metrics) -> None:
    metrics.originate_ended("viettel", "answered")
    metrics.originate_ended("viettel", "busy")
    metrics.originate_ended("viettel", "busy")
    assert of(metrics, "dialerd_originates_total") == {
        "dialerd_originates_total{outcome=answered,trunk=viettel}": 1,
        "dialerd_originates_total{outcome=busy,trunk=viettel}": 2,
    }


def test_O05_a_state_nobody_is_in_any_more_shows_zero(metrics: Metrics) -> None:
    metrics.calls_live({("spring", "ringing"): 4, ("spring", "talking"): 2})
    metrics.calls_live({("spring", "talking"): 3})
    metrics.agents({"ready": 2, "on_call": 3})
    metrics.agents({"on_call": 5})
    assert of(metrics, "dialerd_calls{") == {
        "dialerd_calls{campaign=spring,state=ringing}": 0,
        "dialerd_calls{campaign=spring,state=talking}": 3,
    }
    assert of(metrics, "dialerd_agents{") == {"dialerd_agents{state=ready}": 0, "dialerd_agents{state=on_call}": 5}


def test_O05_the_abandon_rate_can_be_computed_by_campaign(metrics: Metrics) -> None:
    metrics.campaign_opened("spring")
    assert of(metrics, "dialerd_calls_abandoned_total") == {"dialerd_calls_abandoned_total{campaign=spring}": 0}
    metrics.call_connected("spring", 0.4)
    metrics.call_connected("spring", 1.9)
    metrics.call_abandoned("spring")
    found = samples(metrics)
    assert found["dialerd_calls_connected_total{campaign=spring}"] == 2
    assert found["dialerd_calls_abandoned_total{campaign=spring}"] == 1
    assert found["dialerd_answer_to_bridged_seconds_bucket{le=2.0}"] == 2
    assert found["dialerd_answer_to_bridged_seconds_bucket{le=1.5}"] == 1


def test_O05_a_deleted_campaign_takes_its_series_along(metrics: Metrics) -> None:
    for campaign in ("spring", "autumn"):
        metrics.campaign_opened(campaign)
        metrics.calls_live({(campaign, "ringing"): 1})
    metrics.campaign_gone("spring")
    metrics.calls_live({})
    assert not [name for name in samples(metrics) if "spring" in name]
    assert of(metrics, "dialerd_calls{") == {"dialerd_calls{campaign=autumn,state=ringing}": 0}
    metrics.campaign_gone("never seen")


def test_O05_links_and_the_store_show_up_or_down(metrics: Metrics) -> None:
    metrics.ami_link("ast1", True)
    metrics.ami_link("ast2", False)
    metrics.ami_events("ast1", 40)
    metrics.ami_events("ast1")
    metrics.mqtt_link(True)
    metrics.mqtt_dropped(3)
    metrics.store_failing(True)
    found = samples(metrics)
    assert found["dialerd_ami_up{server=ast1}"] == 1
    assert found["dialerd_ami_up{server=ast2}"] == 0
    assert found["dialerd_ami_events_total{server=ast1}"] == 41
    assert found["dialerd_mqtt_up{}"] == 1
    assert found["dialerd_mqtt_dropped_total{}"] == 3
    assert found["dialerd_store_failing{}"] == 1
    metrics.mqtt_link(False)
    metrics.store_failing(False)
    assert samples(metrics)["dialerd_mqtt_up{}"] == 0
    assert samples(metrics)["dialerd_store_failing{}"] == 0


def test_O05_version_and_process_are_shown(metrics: Metrics) -> None:
    found = samples(metrics)
    assert [value for name, value in found.items() if name.startswith("dialerd_build_info{python=3.")] == [1]
    assert any(name.endswith("version=1.2.3}") for name in found)
    assert found["process_resident_memory_bytes{}"] > 1_000_000


def test_O05_two_daemons_in_one_process_do_not_share_figures(metrics: Metrics) -> None:
    other = Metrics("1.2.3")
    metrics.call_abandoned("spring")
    assert of(other, "dialerd_calls_abandoned_total") == {}


@pytest.mark.parametrize("personal", ["+84912345678", "84912345678", "0912345678", "+84 912 345 678", "1732200000.12",
                                      "dialerd-1732200000.12"])  # fmt: skip
def test_O05_no_phone_number_or_channel_id_becomes_a_label(metrics: Metrics, personal: str) -> None:
    metrics.originate_ended(personal, "busy")
    metrics.calls_live({("spring", personal): 1})
    metrics.call_abandoned(personal)
    metrics.ami_link(personal, True)
    metrics.campaign_gone(personal)
    text = metrics.exposition("")[0].decode()
    assert personal not in text
    assert 'dialerd_originates_total{outcome="busy",trunk="withheld"} 1.0' in text


def test_O05_a_flood_of_label_values_ends_in_other_and_no_count_is_lost(metrics: Metrics) -> None:
    for index in range(MOST_CHILDREN + 50):
        metrics.call_abandoned(f"c{index}")
    metrics.calls_live({(f"c{index}", "ringing"): 1 for index in range(MOST_CHILDREN + 50)})
    found = of(metrics, "dialerd_calls_abandoned_total")
    assert len(found) == MOST_CHILDREN + 1
    assert found["dialerd_calls_abandoned_total{campaign=other}"] == 50
    assert sum(found.values()) == MOST_CHILDREN + 50
    assert sum(of(metrics, "dialerd_calls{").values()) == MOST_CHILDREN + 50


# The window


async def test_O05_prometheus_scrapes_text(served: Endpoint, http: aiohttp.ClientSession, metrics: Metrics) -> None:
    metrics.turn_committed(0.001, {"AgentReady": 1})
    async with http.get(url(served, "/metrics")) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = {family.name: family for family in read_text(await answer.text())}
    assert families["dialerd_facts"].samples[0].labels == {"kind": "AgentReady"}


async def test_O05_prometheus_gets_openmetrics_if_it_asks(served: Endpoint, http: aiohttp.ClientSession) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    async with http.get(url(served, "/metrics"), headers={"Accept": accept}) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
        text = await answer.text()
    assert text.endswith("# EOF\n")
    assert "dialerd_turns" in {family.name for family in read_openmetrics(text)}  # type: ignore[no-untyped-call]


async def test_O05_many_scrapers_at_once_are_all_answered(served: Endpoint, http: aiohttp.ClientSession) -> None:
    async def scrape() -> int:
        async with http.get(url(served, "/metrics")) as answer:
            await answer.read()
            return answer.status

    assert await asyncio.gather(*(scrape() for _ in range(20))) == [200] * 20


async def test_O04_a_probe_learns_that_the_daemon_is_well(
    served: Endpoint, http: aiohttp.ClientSession, body: Body
) -> None:
    async with http.get(url(served, "/healthz")) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert await answer.json() == {"ok": True, "ami": {"ast1": "up"}}
    body.well, body.details = False, {"ok": True, "store": "no space left on device"}
    async with http.get(url(served, "/healthz")) as answer:
        assert answer.status == 503
        assert await answer.json() == {"ok": False, "store": "no space left on device"}


async def test_O04_a_health_check_that_fails_counts_as_not_well_and_tells_no_inside(
    served: Endpoint, http: aiohttp.ClientSession, body: Body
) -> None:
    body.failure = RuntimeError("password=hunter2")
    async with http.get(url(served, "/healthz")) as answer:
        assert answer.status == 503
        text = await answer.text()
    assert json.loads(text)["ok"] is False
    assert "hunter2" not in text
    body.failure, body.details = None, {"strange": {1: object()}}
    async with http.get(url(served, "/healthz")) as answer:
        assert answer.status == 503


@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
async def test_O05_the_window_only_reads(served: Endpoint, http: aiohttp.ClientSession, path: str, method: str) -> None:
    async with http.request(method, url(served, path)) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize("path", ["/", "/metrics/", "/healthz/x", "/../etc/passwd", "/static", "/metrics%2f..%2f"])
async def test_O05_there_is_nothing_else_to_see(served: Endpoint, http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(url(served, path)) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(("path", "status"), [("/metrics", 200), ("/healthz", 200), ("/none", 404)])
async def test_O05_every_answer_forbids_a_browser_to_make_use_of_it(
    served: Endpoint, http: aiohttp.ClientSession, path: str, status: int
) -> None:
    async with http.get(url(served, path)) as answer:
        assert answer.status == status
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "dialerd"
        assert "Access-Control-Allow-Origin" not in answer.headers


HOST_REFUSED = ["evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]:80",
                "0.0.0.0", ""]  # fmt: skip


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/none"])
@pytest.mark.parametrize("host", HOST_REFUSED)
async def test_O05_a_name_rebound_to_loopback_is_refused(
    served: Endpoint, http: aiohttp.ClientSession, host: str, path: str
) -> None:
    async with http.get(url(served, path), headers={"Host": host}) as answer:
        assert answer.status == 403
        assert "dialerd_turns" not in await answer.text()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9464", "127.0.0.1:1", "127.8.9.1", "[::1]:9464", "[::1]"])
async def test_O05_loopback_by_any_of_its_names_is_answered(
    served: Endpoint, http: aiohttp.ClientSession, host: str
) -> None:
    async with http.get(url(served, "/metrics"), headers={"Host": host}) as answer:
        assert answer.status == 200


async def raw(port: int, request: bytes) -> bytes:
    """What comes back for bytes no HTTP client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /metrics HTTP/1.0\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n",
    ],
)
async def test_O05_no_host_or_two_hosts_are_refused(served: Endpoint, head: bytes) -> None:
    answer = await raw(served.port, head)
    assert answer.split(b" ")[1] in (b"400", b"403")
    assert b"dialerd_turns" not in answer


async def test_O05_bytes_that_are_no_http_do_not_stop_it(served: Endpoint, http: aiohttp.ClientSession) -> None:
    assert b" 400 " in (await raw(served.port, b"\x16\x03\x01 nonsense\r\n\r\n")).split(b"\r\n")[0]
    async with http.get(url(served, "/healthz")) as answer:
        assert answer.status == 200


async def test_O05_bound_to_every_address_any_host_is_answered_for_the_operator_chose_it(
    metrics: Metrics, body: Body, http: aiohttp.ClientSession
) -> None:
    served = await endpoint.start("0.0.0.0", 0, metrics, body)
    try:
        async with http.get(url(served, "/metrics"), headers={"Host": "dialer.example"}) as answer:
            assert answer.status == 200
    finally:
        await served.stop()


async def test_O04_after_stop_the_port_is_free_and_stop_may_be_repeated(metrics: Metrics, body: Body) -> None:
    served = await endpoint.start("127.0.0.1", 0, metrics, body)
    await served.stop()
    await served.stop()
    again = await endpoint.start("127.0.0.1", served.port, metrics, body)
    assert again.port == served.port
    await again.stop()


async def test_O01_a_port_that_is_taken_says_so(metrics: Metrics, body: Body) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            await endpoint.start("127.0.0.1", port, metrics, body)
