"""How pages write times where Django does it: one order of day and month, 24 hours, and whose time it is."""

DATETIME_FORMAT = "j M Y, H:i:s e"
DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i:s"
