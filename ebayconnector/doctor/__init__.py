"""What `manage.py doctor` looks at, one finding per thing, with what to do about it. Changes nothing."""

from .examination import diagnose
from .findings import Finding, Level

__all__ = ["Finding", "Level", "diagnose"]
