"""A question of the diagnosis, and its answer as an exhibit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.records import Exhibit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.records import Picture, Table


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, and the steps of the ladder that the answer is evidence for."""

    key: str
    title: str
    question: str
    steps: tuple[str, ...]

    def unchecked(self, why: str) -> Exhibit:
        """Nothing could be computed, for this reason."""
        return self.answered("Not checked.", found=None, why_not=why)

    def answered(
        self,
        answer: str,
        *,
        found: bool | None,
        tables: Iterable[Table] = (),
        pictures: Iterable[Picture] = (),
        why_not: str = "",
    ) -> Exhibit:
        """The answer in a sentence with its evidence; `found` None is not checked.

        `why_not` is what was missing.
        """
        return Exhibit(
            key=self.key,
            title=self.title,
            question=self.question,
            steps=self.steps,
            answer=answer,
            found="not checked" if found is None else "found" if found else "not found",
            tables=tuple(tables),
            pictures=tuple(pictures),
            why_not=why_not,
        )
