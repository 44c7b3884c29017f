"""Values of JSON whose names stand elsewhere: columns of a table, tensors, pairs of a name and a value.

`columns` and `data` of pandas, `names` and `ndarray` of Seldon, a first row of names, and the tensors of the
Open Inference Protocol, known by their form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from .json_paths import ELEMENT, Place, child

#: the action for a name in what stands at a place
Naming = Callable[[Place, str], str | None]

#: the name of a tensor or a field, and where its values are beside it
_NAMES = ("name", "key")
_VALUES = ("data", "value", "values", "contents")


class Index(str):
    """The name of an element that has a number: as a place of rules it is `[]`."""

    __slots__ = ()


#: any row of a table, and what is said of a name in its first one
ANY_ROW = Index("[*]")
NOT_HERE = ""


def at(found: Mapping[Place, str], place: Place) -> str | None:
    """The action for this place, its elements by number."""
    action = found.get(place)
    if action is None and len(place) > 1:
        action = found.get((*place[:-2], ANY_ROW, place[-1]))
    return action or None


def plain(place: Place) -> Place:
    """The place without the numbers of elements."""
    return tuple(ELEMENT if isinstance(name, Index) else name for name in place)


def columns(values: Sequence[object], root: Place, *, action: Naming) -> dict[Place, str] | None:
    """The action for each place, as `at` finds it, whose name stands elsewhere; None where it is unclear.

    `action` says which is for a name in a table at a place. Unclear is a list of names beside which no rows
    stand, where another list may hold their values.
    """
    found: dict[Place, str] = {}
    if len(values) > 1 and _Table(root, action=action, found=found).ruled(values[0]):
        return None  # lines of a table, which have no number
    unclear: list[int] = []
    lengths: list[int] = []
    stack: list[tuple[Place, object]] = [(root, value) for value in values]
    while stack:
        place, value = stack.pop()
        table = _Table(place, action=action, found=found)
        if isinstance(value, dict):
            table.fields(value)
            unclear += table.columns(value)
            stack += [(child(place, name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            if not table.ruled(value):
                lengths.append(len(value))
            table.header(value)
            stack += [(child(place, Index(f"[{n}]")), inner) for n, inner in enumerate(value)]
    return None if any(_holds(lengths, size) for size in unclear) else found


def _holds(lengths: Sequence[int], size: int) -> bool:
    """Whether a list may hold the values of so many columns; a single name is told with many a number."""
    return size > 1 and any(length and length % size == 0 for length in lengths)


class _Table:
    """What stands at one place, where names may be beside their values; `found` is filled."""

    def __init__(self, place: Place, *, action: Naming, found: dict[Place, str]) -> None:
        self._place, self._action, self._found = place, action, found

    def fields(self, members: dict[str, object]) -> None:
        """A tensor or a field: its name, and its values beside it."""
        for name in (members.get(key) for key in _NAMES):
            action = self._action(self._place, name) if isinstance(name, str) else None
            if action is not None:
                self._found |= {child(self._place, key): action for key in _VALUES if key in members}

    def columns(self, members: dict[str, object]) -> Iterator[int]:
        """Lists of names and rows beside them; how many names there are where there are no rows."""
        for names in members.values():
            ruled = self.ruled(names)
            if ruled and isinstance(names, list):
                tables = [key for key, rows in members.items() if _are_rows(rows)]
                for key in tables:
                    self._rows(child(self._place, key), ruled=ruled)
                if not tables:
                    yield len(names)

    def header(self, rows: list[object]) -> None:
        """A first row of names."""
        if len(rows) > 1 and _are_rows(rows):
            ruled = self.ruled(rows[0])
            self._rows(self._place, ruled=ruled)
            self._found |= {_cell(child(self._place, Index("[0]")), n): NOT_HERE for n in ruled}

    def ruled(self, names: object) -> dict[int, str]:
        """The actions for the names of a list by their number; none for a list of anything else."""
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return {}
        actions = {n: self._action(self._place, name) for n, name in enumerate(names)}
        return {n: action for n, action in actions.items() if action is not None}

    def _rows(self, place: Place, *, ruled: dict[int, str]) -> None:
        for n, action in ruled.items():
            self._found[_cell(child(place, ANY_ROW), n)] = action


def _cell(row: Place, n: int) -> Place:
    return child(row, Index(f"[{n}]"))


def _are_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)
