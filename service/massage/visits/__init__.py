"""The visits of a referral: how many there may be, there were and are to come, and what was done at each. Pure.

    account   ordered, authorised, booked, completed, missed, remaining
    log       each delivered session: when, how long, what, where, by whom, pain before and after

`service.massage.cycle` counts by the same functions (`cycle.allowance`, `cycle.units`): what is told is what is
enforced.
"""

from service.massage.cycle.authorisation import Authorisation, answers, authorisations
from service.massage.cycle.units import timed_units
from service.massage.visits.account import Visits, account
from service.massage.visits.log import SessionEntry, Term, entry_of, session_log

__all__ = [
    "Authorisation",
    "SessionEntry",
    "Term",
    "Visits",
    "account",
    "answers",
    "authorisations",
    "entry_of",
    "session_log",
    "timed_units",
]
