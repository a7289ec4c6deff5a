from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "syncworkers"
    verbose_name = "Workers"
