"""A diagnosis as one HTML page that loads and runs nothing: a sheet for everybody, then the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import diagnosis_story as story
from harness.report import diagnosis_tables as tables
from harness.report import diagnosis_words as terms
from harness.report import story as shapes
from harness.report import words
from harness.report.html import environment

if TYPE_CHECKING:
    from harness.records import Diagnosis

_MOST_REMEDIES, _MOST_MISSING = 4, 5


def render(found: Diagnosis) -> str:
    """The whole diagnosis as a self-contained page; everything that came from data is escaped."""
    from harness.report import diagnosis_pictures as pictures
    from harness.report import diagnosis_plots as plots

    main = story.main_gap(found)
    return (
        environment()
        .get_template("diagnosis.html.j2")
        .render(
            found=found,
            main=main,
            diagnosis=story,
            tables=tables,
            terms=terms,
            words=words,
            story=shapes,
            plain=plots.plain_waterfall(main) if main else None,
            waterfalls=[plots.waterfall(gap) for gap in found.metrics],
            drawn=pictures.drawn,
            most_remedies=_MOST_REMEDIES,
            most_missing=_MOST_MISSING,
        )
    )
