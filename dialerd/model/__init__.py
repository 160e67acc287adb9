"""The words of dialerd: facts, intents, ids, instants, phones, policies, states, rows.

Nothing here reads a clock, draws chance or touches the outside; it is imported by every room and imports none of them.
"""
