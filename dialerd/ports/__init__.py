"""Promises that the outside keeps: clock, telephony, store.

Never imports what keeps them.
"""
