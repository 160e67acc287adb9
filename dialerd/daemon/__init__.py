"""The process: its concrete parts, made from the configuration, and its life.

It must never decide anything about calls.
"""
