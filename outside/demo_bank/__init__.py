"""A bank for demonstrations: a separate HTTP application that behaves like a payment provider.

It imports nothing of the product and the product imports nothing of it: they meet over HTTP
alone, on loopback. Run it with `python -m outside.demo_bank --port 8001 --state DIR`.
"""
