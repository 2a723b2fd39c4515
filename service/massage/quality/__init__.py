"""What comes of a clinic's referrals, taken together, so that nobody is told of anybody. Pure.

facts        what counts of one referral
suppression  which numbers are too small to be told, and which others would give them away
account      the numbers of many referrals
period       what periods they are of
"""

from service.massage.quality.account import Account, Cells, Group, account
from service.massage.quality.facts import Facts, Told, facts_of
from service.massage.quality.period import Period, period_of
from service.massage.quality.suppression import entangled, withheld

__all__ = [
    "Account",
    "Cells",
    "Facts",
    "Group",
    "Period",
    "Told",
    "account",
    "entangled",
    "facts_of",
    "period_of",
    "withheld",
]
