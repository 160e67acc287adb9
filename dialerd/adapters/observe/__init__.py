"""What ops engineers see of the process: service manager messages, logs, metrics, health.

Must never decide anything, nor show a secret or a customer's number.
"""
