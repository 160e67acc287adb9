"""Which checker a list wants: leads' or contacts'.

Never checks a row itself.
"""

from __future__ import annotations

from typing import TypeAlias

from dialerd.adapters.sheets.checking_contacts import ContactChecker
from dialerd.adapters.sheets.checking_leads import LeadChecker
from dialerd.ports.sheets import AnyChecking, Checking, Heading

AnyChecker: TypeAlias = LeadChecker | ContactChecker


def checker_of(checking: AnyChecking, heading: Heading) -> AnyChecker:
    """The checker for a list with this heading. Raises Refusal for a mapping that does not fit it."""
    return LeadChecker(checking, heading) if isinstance(checking, Checking) else ContactChecker(checking, heading)
