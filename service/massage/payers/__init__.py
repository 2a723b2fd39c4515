"""What payers ask of sessions, visits and reports: the usual rules, and those of plans that differ. Pure.

    usual.toml   the usual rules, each with its source
    rows         the file of a deployment, and which plan's rules hold for a referral

No rule of a payer is in code: the life cycles read a `Policy` that is made here.
"""

from service.massage.payers.rows import Payers, PayersError, load

__all__ = ["Payers", "PayersError", "load"]
