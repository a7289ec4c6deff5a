#!/usr/bin/env python
"""Django's command line."""

import gc
import os
import sys

# Reading the program leaves nothing to collect; `EbayConnectorConfig.ready` switches the collector on.
gc.disable()

from django.core.management import execute_from_command_line  # noqa: E402

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ebayconnector.settings")
    execute_from_command_line(sys.argv)
