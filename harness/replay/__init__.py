"""Sending captured requests again, on time, and accounting for every one of them."""
