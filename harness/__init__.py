"""replaygate: replay captured traffic through model and endpoints, compare each request, decide GO or NO-GO."""

__version__ = "0.1.0"
