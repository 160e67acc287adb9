"""The state tables drawn: Mermaid diagrams and tables for docs/states.md.

Never drawn by hand: a test compares the file in docs with what is made here.
"""

from __future__ import annotations

from dialerd.model.states import TABLES, Table

_ABOUT = {
    "call": "A customer's leg, from the Originate to its end.",
    "agent": "An agent's presence (V10) and his softphone.",
    "campaign": "A campaign's lifecycle (C03); `began` and `ended` are the clock's moves, `put_off` that of a start moved ahead, "
    "all others a person's.",
    "lead": "A lead (C09).",
    "participation": "Whether a lead takes part (C14). Totals are cumulative: `registered` counts all four, `confirmed` also"
    " who joined.",
    "ticket": "A ticket (C16).",
}


def state_diagrams() -> str:
    """All tables as one Markdown text."""
    parts = ["# States", "", "Made from `dialerd/model/states.py` by `dialerd states`; do not edit.", ""]
    for name, table in TABLES.items():
        parts += [f"## {name.capitalize()}", "", _ABOUT[name], "", *_diagram(table), "", *_legal(table), ""]
    return "\n".join(parts).rstrip() + "\n"


def _diagram(table: Table) -> list[str]:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(table))}"]
    for state, moves in table.items():
        arrows: dict[str, list[str]] = {}
        for kind, after in moves.items():
            arrows.setdefault(after, []).append(kind)
        lines += [f"    {state} --> {after}: {', '.join(kinds)}" for after, kinds in arrows.items()]
        if not moves:
            lines.append(f"    {state} --> [*]")
    return [*lines, "```"]


def _legal(table: Table) -> list[str]:
    lines = ["| state | what may happen, and the state after it |", "|---|---|"]
    for state, moves in table.items():
        told = ", ".join(f"{kind} → {after}" for kind, after in moves.items()) or "nothing: final"
        lines.append(f"| {state} | {told} |")
    return lines
