"""Fixtures of the tests on a real Asterisk: one instance with its phones for the whole session.

Never skips: a missing Asterisk or SIPp is an error that says what makes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk.rig.ami import Ami
from tests.asterisk.rig.asterisk import Rig

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before -m is applied
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.asterisk)


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Rig]:
    """The real Asterisk of DIALERD_TEST_ASTERISK_SUITE (sid if unset), its carrier and its agents' phones."""
    with Rig() as rig:
        rig.start_phones()
        yield rig


@pytest.fixture
def ami(asterisk: Rig) -> Iterator[Ami]:
    """A session of the test's own with the daemon's rights; calls the test leaves behind are hung up."""
    with asterisk.ami() as session:
        yield session
    with asterisk.ami() as session:
        for channel in session.listing("CoreShowChannels"):
            session.action("Hangup", Channel=channel["Channel"])
