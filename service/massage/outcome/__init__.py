"""Whether a patient gets better: the measurements of an episode, by the measures of the catalogue. Pure.

    measures     which measure a code stands for
    reading      a measurement that counts, or why it does not
    series       the measurements that may be compared with each other, in their order
    comparison   from the first to the latest: change, and what the catalogue's source calls it
    goals        whether a target is reached, and the achievement of a goal
    achievement  what of that is written to a Goal and told of it, and what is a person's word
    narrative    the same in words

Nothing is converted but units of one kind, and nothing is called meaningful that the catalogue has no source for.
"""

from service.massage.outcome.achievement import achievement_of
from service.massage.outcome.comparison import Comparison, compared
from service.massage.outcome.goals import Reached, Target, is_about, is_met, reached_of, targets_of
from service.massage.outcome.measures import Measures
from service.massage.outcome.narrative import told, unit_in_words
from service.massage.outcome.reading import LeftOut, Reading, read
from service.massage.outcome.series import Series, collect

__all__ = [
    "Comparison",
    "LeftOut",
    "Measures",
    "Reached",
    "Reading",
    "Series",
    "Target",
    "achievement_of",
    "collect",
    "compared",
    "is_about",
    "is_met",
    "reached_of",
    "read",
    "targets_of",
    "told",
    "unit_in_words",
]
