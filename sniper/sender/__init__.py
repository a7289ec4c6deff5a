"""A process that does nothing but keep connections open and send prepared bytes at their moment.

The rest of an executor (database, tokens, parsing) would take the interpreter away from it at the wrong
time. It knows neither Django nor the database, and cannot decide to bid: it sends what was recorded.
"""
