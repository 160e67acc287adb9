"""Measurements of dialerd on this machine: ratios within one run against clients that do less, in one table.

Never part of the daemon, and never a promise: what a table says holds for the machine and the minute it was made in.
"""
