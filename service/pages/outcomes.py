"""Whether the patient gets better, as a page shows it: for each measure a chart, the same in words, and the values."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from msgspec import Struct

from service.documents.charts import chart
from service.fhir.concept import codings
from service.massage.outcome import achievement_of, compared, reached_of, targets_of, told, unit_in_words
from service.massage.outcome.achievement import series_of
from service.massage.outcome.goals import DROPPED
from service.pages import words
from service.pages.case import reference_to
from service.pages.shown import Picture, Text

if TYPE_CHECKING:
    from datetime import datetime

    from service.fhir.resource import Content
    from service.massage.outcome import Measures, Series
    from service.pages.case import Case
    from service.pages.headline import Headlines
    from service.pages.values import Values


class Outcome(Struct, frozen=True, kw_only=True):
    """A measure: `progress` in a few words, `story` in sentences, `rows` of (day, value in `unit`)."""

    heading: str
    unit: str
    progress: str
    story: str
    picture: Picture
    rows: tuple[tuple[Text, Text], ...]


class GoalState(Struct, frozen=True, kw_only=True):
    """A goal, and how far it is: what the measurements say, else what its author does."""

    text: str
    href: str
    state: str
    due: str


class Outcomes:
    """The measures and goals of a case, as of `now`."""

    def __init__(self, case: Case, measures: Measures, values: Values, now: datetime) -> None:
        self._measures = measures
        self._values = values
        self._now = now
        self.goals = [each for each in case.view.of("Goal") if each.get("lifecycleStatus") not in DROPPED]
        self.series, _ = series_of(case.view, measures, values.zone, until=now)

    def measured(self) -> list[Outcome]:
        """A panel for each series, in the order of the catalogue."""
        return [self._outcome(series, f"chart{place}") for place, series in enumerate(self.series)]

    def goal_states(self, headlines: Headlines) -> list[GoalState]:
        """The goals that somebody works towards."""
        return [self._goal(each, headlines) for each in self.goals]

    def _outcome(self, series: Series, name: str) -> Outcome:
        comparison = compared(series)
        targets = [each for goal in self.goals for each in targets_of(goal, series, self._measures, self._values.zone)]
        reached = reached_of(self.goals, series, self._measures, self._values.zone)
        story = told(comparison, self._measures.sources, reached=reached)
        drawn = base64.b64encode(chart(series, targets=targets, name=name).encode()).decode()
        unit = unit_in_words(series.unit)
        rows = [
            (
                self._values.moment(each.effective),
                Text(text=f"{each.value}", href=self._values.links.reference(each.observation)),
            )
            for each in reversed(series.readings)
        ]
        return Outcome(
            heading=series.measure.display,
            unit=unit,
            progress=words.PROGRESS[comparison.progress],
            story=story,
            picture=Picture(
                source=f"data:image/svg+xml;base64,{drawn}",
                told=f"Chart of {series.measure.display}. The values are in the table below it.",
            ),
            rows=tuple(rows),
        )

    def _goal(self, goal: Content, headlines: Headlines) -> GoalState:
        achieved = achievement_of(goal, self.series, self._measures, as_of=self._now, zone=self._values.zone)
        said = achieved or next(
            (each.get("code") for each in codings(goal.get("achievementStatus"))),
            goal.get("achievementStatus", {}).get("text", ""),
        )
        due = next((each["dueDate"] for each in goal.get("target", ()) if "dueDate" in each), "")
        return GoalState(
            text=headlines.of(goal),
            href=self._values.links.reference(reference_to(goal)),
            state=words.ACHIEVEMENTS.get(said or "", words.code(said or "")) or headlines.state(goal),
            due=self._values.moment(due).text if due else "",
        )
