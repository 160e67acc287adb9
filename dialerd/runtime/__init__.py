"""What turns the engine in real time: the exchange, the turn loop, commands, recovery, publishing.

Never names a concrete adapter: it knows promises only.
"""
