"""The exchange: facts and an instant in, a turn with its intents and changed rows out.

Never waits, reads a clock or touches the outside; the same facts at the same instants give the same turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.notices import Noticing
from dialerd.compliance import gate
from dialerd.compliance.verdict import Refused
from dialerd.model.errors import OurMistakeError
from dialerd.model.facts import AnyFact, Asked, Reported
from dialerd.model.instants import Instant
from dialerd.model.intents import AnyIntent, Dial, Refuse, Show
from dialerd.model.turn import Committed, Turn
from dialerd.runtime.judging import judge_asked, judge_reported

RUNAWAY = 20_000
"""More intents than this in one turn are a bug that would never end."""


class Exchange:
    """The one place where facts meet engines."""

    def __init__(self, engine: Engine, has_mail: Callable[[str], bool] = lambda principal: False) -> None:
        """`has_mail`: whether a principal gets letters now."""
        self.engine = engine
        self._noticing = Noticing(engine.live, has_mail)
        self.seq = engine.live.seq
        self._last: Instant = 0.0

    def take(self, facts: Sequence[AnyFact], now: Instant) -> Committed:
        """One turn: apply all facts, judge the commands among them, then decide until nothing is left to do."""
        engine = self.engine
        self.seq += 1
        now = self._last = max(now, self._last)
        engine.begin(self.seq, now)
        intents: list[AnyIntent] = []

        def carry(intent: AnyIntent) -> None:
            engine.apply(intent)
            intents.append(intent)

        for fact in facts:
            engine.apply(fact)
            if type(fact) is Asked:
                for intent in judge_asked(engine.live, fact):
                    carry(intent)
            elif type(fact) is Reported:
                for intent in judge_reported(engine.live, fact):
                    carry(intent)
        while (wanted := engine.next_intent()) is not None:
            carry(self._pass_gate(wanted, now))
            if len(intents) > RUNAWAY:
                raise OurMistakeError(f"turn {self.seq} wants more than {RUNAWAY} things, the last: {intents[-1]}")
        turn, rows = Turn(self.seq, now, tuple(facts), tuple(intents)), engine.take_changes()
        if engine.live.stirred_campaigns:
            engine.live.stirred_campaigns = False
            rows = (*rows, *self._noticing.rows(turn, rows))
        return Committed(turn, rows)

    def _pass_gate(self, intent: AnyIntent, now: Instant) -> AnyIntent:
        if not isinstance(intent, Dial | Show):
            return intent
        verdict = gate.judge(self.engine.dossier(intent), now)
        if isinstance(verdict, Refused):
            return Refuse(intent.campaign, intent.lead, verdict.rule, verdict.because, verdict.until)
        return intent

    def next_wakeup(self) -> Instant | None:
        """When something becomes due by time alone."""
        return self.engine.next_wakeup()
