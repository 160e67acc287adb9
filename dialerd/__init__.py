"""A dialer daemon for contact centres on Asterisk."""

__version__ = "0.1.0"
