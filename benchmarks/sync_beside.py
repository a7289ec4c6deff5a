"""`python -m benchmarks.sync_beside ORDERS`: loads them again and again; a line for each load.

It is ended from outside.
"""

from __future__ import annotations

import sys

import django


def main() -> None:
    django.setup()
    from syncworkers.models import Order
    from tests.factories import OrganizationFactory
    from tokens.models import PersonIndex

    from . import loading

    # The measurement beside which it runs has organisations of its own, named from 0 on.
    OrganizationFactory.reset_sequence(1_000_000)
    connected = loading.connect(int(sys.argv[1]))
    while True:
        loading.load(connected.account)
        print("loaded", flush=True)
        # Rows that did not change would not be written.
        Order.objects.filter(account=connected.account).delete()
        PersonIndex.objects.filter(account=connected.account).delete()
        loading.forget_coverage(connected.account)


if __name__ == "__main__":
    main()
