"""Assessments: rows that a clinician can read (`*.toml` beside this), and the Questionnaires made of them.

    rows            the rows, checked
    expansion       rows that stand for several questions, written out
    definitions     the Questionnaires, and the CodeSystem of their own answers
    red_flags       what an answer says of a contraindication
    self_harm       an answer above 0 to the ninth question of PHQ-9, and who is told of it

What belongs to somebody else is asked by its score only.
"""

from service.massage.assessment.definitions import fingerprint, resources
from service.massage.assessment.rows import Assessments, load

__all__ = ["Assessments", "fingerprint", "load", "resources"]
