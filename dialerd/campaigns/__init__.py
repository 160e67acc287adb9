"""The engine that dials: leads, agents, calls and campaigns as one state that facts change and decisions read.

Never touches the outside: facts and instants come in, intents and a next wakeup go out.
"""
