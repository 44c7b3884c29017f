"""A small recording reverse proxy for services that cannot be changed; it can mirror live traffic too."""

from harness.proxy.serving import Settings, serve

__all__ = ["Settings", "serve"]
