"""Tables and print sheets as files: Excel, CSV, HTML, PDF (C18), written by a process of their own.

Never lets a text of a stranger come alive as a formula, as markup or as a path, and never keeps half a file.
"""
