"""The room's public names."""

from __future__ import annotations

from types import ModuleType

from harness import report


def test_public_names_are_the_exported_ones() -> None:
    """`__all__` is sorted and names every public function, and nothing else is public."""
    public = [
        name
        for name, value in vars(report).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    assert report.__all__ == sorted(report.__all__)
    assert set(report.__all__) == {*public, "html", "markdown", "terminal"}
