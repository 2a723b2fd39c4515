"""Cases of the guards in guards/ (of_report)."""

from __future__ import annotations

from service.fhir.concept import coded
from service.massage.cycle.terms import TASK_IO
from tests.builders.guard_case import CLOSED, DONE, FINAL, Case, working
from tests.builders.loop import output, reason, referral, report

OTHER = report(id="other", code=coded(TASK_IO, "final-report"))
SECOND = report(id="second", code=coded(TASK_IO, "final-report"))
NAMED = working(output=FINAL)
BOTH = [*FINAL, output("final-report", "DiagnosticReport/other")]
ENDED = CLOSED | {"id": "ended", "output": [output("final-report", "DiagnosticReport/other")]}

CASES = (
    *(
        Case(
            guard="final-report-delivered",
            broken=(
                (referral(), working(), report(status=status), *DONE),
                (working(status="completed", output=[output(type, "DiagnosticReport/report")]),),
            ),
            holding=((referral(), working(), report(), *DONE), (working(status="completed", output=FINAL),)),
        )
        for status, type in (("preliminary", "final-report"), ("final", "progress-report"))
    ),
    Case(
        guard="outcome-explained",
        broken=((referral(), working()), (working(status="failed", statusReason=reason("lost-to-follow-up")),)),
        holding=(
            (referral(), working(), report(status="preliminary")),
            (
                working(
                    status="failed",
                    statusReason=reason("lost-to-follow-up"),
                    output=[output("progress-report", "DiagnosticReport/report")],
                ),
            ),
        ),
    ),
    Case(
        guard="outcome-explained",
        broken=((referral(), working()), (working(status="failed", statusReason=reason("plateau"), output=[]),)),
        holding=(
            (referral(), working()),
            (
                working(
                    status="failed",
                    statusReason=reason("plateau"),
                    output=[{"type": coded(TASK_IO, "outcome-summary"), "valueString": "No further progress."}],
                ),
            ),
        ),
    ),
    # one that is filed by its code, beside one that is filed by its code, and beside one that the output names
    *(
        Case(
            guard="before-final-report",
            broken=((referral(), working(), OTHER), (sent,)),
            holding=((referral(), working(), OTHER | {"status": "entered-in-error"}), (sent,)),
        )
        for sent in (SECOND, SECOND | {"code": coded(TASK_IO, "progress-report")})
    ),
    Case(
        guard="before-final-report",
        broken=((referral(), NAMED, report()), (SECOND,)),
        holding=((referral(), NAMED, report()), (SECOND | {"status": "preliminary"},)),
    ),
    # once it is filed it is amended, whichever way R4 calls that
    *(
        Case(
            guard="before-final-report",
            broken=((referral(), CLOSED | {"output": FINAL}, report()), (SECOND,)),
            holding=((referral(), CLOSED | {"output": FINAL}, report()), (report(status=status),)),
        )
        for status in ("amended", "corrected", "appended")
    ),
    # the final report of a care that ended is none of the next one, and may still be amended
    Case(
        guard="before-final-report",
        broken=((referral(), ENDED, OTHER), (SECOND,)),
        holding=((referral(), working(), ENDED, OTHER), (SECOND,)),
    ),
    Case(
        guard="before-final-report",
        broken=((referral(), working(), ENDED, OTHER, SECOND), (SECOND | {"id": "third"},)),
        holding=((referral(), working(), ENDED, OTHER, SECOND), (OTHER | {"status": "amended"},)),
    ),
    Case(
        guard="final-report-kept",
        broken=((referral(), NAMED, report(), report(id="other")), (working(output=BOTH),)),
        holding=((referral(), NAMED, report(), report(id="other")), (working(output=FINAL, note=[{"text": "Seen."}]),)),
    ),
    Case(
        guard="final-report-kept",
        broken=((referral(), NAMED, report()), (working(output=[]),)),
        holding=((referral(), NAMED, report(status="entered-in-error")), (working(output=[]),)),
    ),
    Case(
        guard="final-report-kept",
        broken=((referral(), NAMED, report(), report(id="other")), (working(output=BOTH[1:]),)),
        holding=(
            (referral(), NAMED, report(status="entered-in-error"), report(id="other")),
            (working(output=BOTH[1:]),),
        ),
    ),
)
