"""The leads of deleted campaigns taken out of the store, in portions (C19).

Never deletes a call, a refusal or the audit: they are records of what was done, whoever deleted the campaign.
"""

from __future__ import annotations

from dialerd.adapters.storage.ledger import DROPPED_AT_ONCE, SyncLedger
from dialerd.adapters.storage.notice_statements import notice_statements
from dialerd.model.instants import Instant

SQL = notice_statements("sqlite")


def purge_deleted(ledger: SyncLedger, before: Instant) -> int | None:
    """One portion of the leads of campaigns deleted before `before`; how many leads, None at the end.

    A lead that was called or refused stays for its records, with its number and nothing else of the person; the others
    are deleted. Raises StoreFailingError.
    """
    with ledger.writing("purge leads of deleted campaigns") as connection:
        for (campaign,) in connection.execute(SQL.deleted.sql, SQL.deleted.values(before=before)).fetchall():
            values = {"campaign": campaign, "limit": DROPPED_AT_ONCE}
            if connection.execute(SQL.drop_phones.sql, SQL.drop_phones.values(**values)).rowcount:
                return 0
            leads = connection.execute(SQL.purgeable.sql, SQL.purgeable.values(**values)).fetchall()
            if leads:
                connection.executemany(SQL.drop_lead.sql, leads)
                connection.executemany(SQL.empty_lead.sql, leads)
                return len(leads)
    return None
