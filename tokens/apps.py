from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TokensConfig(AppConfig):
    name = "tokens"
    verbose_name = "Tokens"

    def ready(self) -> None:
        from .scopes import write_catalogue

        post_migrate.connect(write_catalogue, sender=self, dispatch_uid="write_scope_catalogue")
