"""The running program: settings, embedded PostgreSQL, migrations, wiring, command line.

The one room that knows every part; nothing imports it.
"""
