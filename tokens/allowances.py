"""Counting calls against eBay's daily quotas: a process takes ten at once and counts them in memory.

The row of a quota says what was made and what processes hold. A process that dies holds what it was given for
ten to twenty minutes; then it is free again. What such a process called without saying so, at most nine calls,
is missing until eBay's own count shows it: that count lags behind, so that it can prove that more was called
than we know of, and never that less was.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import Error

from ebayconnector.database import execute, fetch_one
from ebayconnector.ebay.errors import EbayError

from .quotas import (
    _SHARE_OF_ROOM,
    BLOCK,
    HISTORY_PERCENT,
    MANUAL_PERCENT,
    SCHEDULE_PERCENT,
    Lane,
    default_limit,
)

logger = logging.getLogger(__name__)
