"""What executors ask of the database: each a single statement in autocommit.

A process that is killed or frozen at any moment so leaves no transaction open and no row locked: the server
finishes the statement without it. Every statement says in its WHERE which state it expects; rows that
somebody else holds at the moment are passed over and asked for again.
"""
