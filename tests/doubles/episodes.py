"""Episodes of many steps, each drawn by a seed of its own: played, and when one fails made as short as it still fails.

Never draws but from the seed it is given: the same seed is the same episode on every machine.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

import pytest


class Play(Protocol):
    """What an episode happens to."""

    story: list[str]
    """What happened, told line by line."""

    def begin(self, chance: Random) -> None: ...

    def step(self, chance: Random) -> None: ...

    def end(self) -> None:
        """The last looks; may raise as a step may."""

    def close(self) -> None:
        """Let go of all."""


class Failed(Exception):
    """An episode failed; `where` is the line it failed at."""

    def __init__(self, trouble: BaseException, story: list[str]) -> None:
        super().__init__(str(trouble))
        last = traceback.extract_tb(trouble.__traceback__)[-1]
        self.where = (type(trouble).__name__, last.filename, last.lineno)
        self.trouble = trouble
        self.story = story


def seeds_of(seed: int, steps: int) -> list[int]:
    """The seeds of an episode: its beginning's, and one for each step."""
    chance = Random(seed)
    return [chance.getrandbits(48) for _ in range(steps + 1)]


def play(make: Callable[[], Play], seeds: Sequence[int]) -> None:
    """One episode. Raises Failed."""
    made = make()
    try:
        made.begin(Random(seeds[0]))
        for seed in seeds[1:]:
            made.step(Random(seed))
        made.end()
    except Exception as trouble:
        raise Failed(trouble, made.story) from trouble
    finally:
        made.close()


def play_all(make: Callable[[], Play], seed: int, episodes: int, steps: int, shorten_s: float) -> None:
    """Many episodes. The first that fails is shortened for `shorten_s` seconds at most, and told."""
    for number in range(seed, seed + episodes):
        seeds = seeds_of(number, steps)
        try:
            play(make, seeds)
        except Failed as failed:
            shortest = _shortened(make, seeds, failed, shorten_s)
            story = "\n".join(shortest.story)
            told = f"episode {number}, as short as it could be made:\n{story}\n{shortest.where[0]}: {shortest.trouble}"
            pytest.fail(
                f"{told}\n{''.join(traceback.format_exception(shortest.trouble, chain=False)[-5:])}", pytrace=False
            )


def _shortened(make: Callable[[], Play], seeds: list[int], failed: Failed, seconds: float) -> Failed:
    """The same failure with steps taken out, ever smaller portions of them."""
    until = time.monotonic() + seconds
    steps, best = seeds[1:], failed
    size = max(1, len(steps) // 2)
    while size and time.monotonic() < until:
        at = 0
        while at < len(steps) and time.monotonic() < until:
            fewer = steps[:at] + steps[at + size :]
            try:
                play(make, [seeds[0], *fewer])
            except Failed as again:
                if again.where == failed.where:
                    steps, best = fewer, again
                    continue
            at += size
        size //= 2
    return best
