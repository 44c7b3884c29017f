"""replaygate: replay captured traffic through model and endpoints, compare each request, decide."""

__version__ = "0.1.0"
