"""One session as a clinic tells it, and the resources that this comes to. Pure.

    given   what is told, in FHIR's data types; what does not fit together is refused
    draft   the resources: visit, session, techniques, measurements, the next visit

They are those that a client would post by itself: whether they may be stored the life cycles decide.
"""

from service.massage.session.draft import Drafts, drafts
from service.massage.session.given import Given, NextVisit, Surrounding

__all__ = ["Drafts", "Given", "NextVisit", "Surrounding", "drafts"]
