import gc

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class EbayConnectorConfig(AppConfig):
    name = "ebayconnector"
    verbose_name = "eBay connector"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the system checks)
        from .database import limit_session
        from .processes import use_one_heap

        connection_created.connect(limit_session, dispatch_uid="limit_session")
        _collect_garbage_from_here()
        use_one_heap()


def _collect_garbage_from_here() -> None:
    """What is loaded stays: it need not be looked at again and again."""
    gc.freeze()
    gc.enable()
