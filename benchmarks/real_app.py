"""The product's own API in a process of its own, as `quittance serve` runs it."""

from __future__ import annotations

from system.serving import serve
from system.settings import Settings

if __name__ == "__main__":
    serve(Settings.load())
