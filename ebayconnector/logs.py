"""Log records leave the process masked, as text or as JSON lines."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from ebayconnector.ebay.masking import mask_tokens


class MaskSecrets(logging.Filter):
    """The last line of defence: whatever looks like a token or key is masked in every record.

    Callers mask at the source; this catches what a library or an exception text brings along.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = mask_tokens(message)
        if masked != message:
            record.msg, record.args = masked, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask_tokens(record.exc_text)
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object per line: at, level, logger, message, and error when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_text:
            entry["error"] = record.exc_text
        return json.dumps(entry, ensure_ascii=False)
