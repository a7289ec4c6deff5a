"""The sniper in the console."""

from . import lists

__all__ = ["lists"]
