from django.apps import AppConfig


class SniperConfig(AppConfig):
    name = "sniper"
    verbose_name = "Sniper"
