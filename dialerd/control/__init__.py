"""The one table of commands: every operation a person can do, its role, arguments, result and handler.

Never reachable by one way only: MQTT, the local socket, the documents and the tests are made from the table.
"""
