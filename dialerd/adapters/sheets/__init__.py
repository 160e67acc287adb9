"""Lead lists in CSV and Excel files, read in a process of their own.

Never holds a whole file in the daemon's memory and never trusts a byte of it.
"""
