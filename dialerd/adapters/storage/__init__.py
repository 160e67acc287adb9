"""The store on SQL: tables, migrations, and SQLite as the embedded database.

Never decides anything and never lets a turn be half written.
"""
