"""`python -m dialerd`: the same as the command `dialerd`.

Never holds anything but the way in.
"""

from __future__ import annotations

from dialerd.cli import dialerd


def main() -> None:
    """The way in."""
    dialerd(prog_name="dialerd")


if __name__ == "__main__":
    main()
