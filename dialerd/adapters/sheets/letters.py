"""The letters of a column, as spreadsheets count them: A is the first, AA the twenty-seventh.

Never a heading: those are a stranger's.
"""

from __future__ import annotations


def letters(at: int) -> str:
    """Of a position; 0 is A."""
    found = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        found = chr(65 + rest) + found
    return found


def position(told: str) -> int:
    """Of letters (A to Z in capitals): A is 0; -1 for none."""
    at = 0
    for letter in told:
        at = at * 26 + ord(letter) - 64
    return at - 1
