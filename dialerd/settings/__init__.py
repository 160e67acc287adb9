"""The configuration: YAML files and secrets become checked policies, and every error names file, line and key (O01).

Never talks to Asterisk, a broker or the store, and never changes a file.
"""
