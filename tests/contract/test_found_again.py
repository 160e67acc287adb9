"""Commands that need rows of the store, given all at once: each is judged by what is so then, and answered once (O02, O08)."""

from __future__ import annotations

import asyncio

from dialerd.control.commands import COMMANDS
from tests.contract.test_command_table import Office, SlowStore, office, store

__all__ = ["office", "store"]  # fixtures


async def test_O08_many_words_about_one_lead_at_once_are_all_judged_by_what_is_so_then(
    office: Office, store: SlowStore
) -> None:
    lead = {"campaign": "spring", "phone": "+84901234567"}
    assert (await office.ask(COMMANDS["lead.add"], lead, "admin"))["ok"]
    notes = [
        office.ask(COMMANDS["lead.update"], {**lead, "fields": {f"word{n}": str(n)}}, "supervisor") for n in range(12)
    ]
    holds = [office.ask(COMMANDS["lead.hold"], lead, "supervisor") for _ in range(4)]
    replies = await asyncio.gather(*notes, *holds)
    assert all(reply["ok"] for reply in replies[:12]), replies
    assert [reply["ok"] for reply in replies[12:]].count(True) == 1
    assert {reply["error"]["code"] for reply in replies[12:] if not reply["ok"]} == {"illegal_move"}
    row = await store.lead("spring", "+84901234567")
    assert row is not None
    assert row.state == "held"
    assert row.fields == {f"word{n}": str(n) for n in range(12)}, "no word was lost to another"
