"""The demo as a person at a terminal sees it: how far it is, what is there then, and what to try next."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from service.assembly import take_stock
from service.demo.directory import CLINICS, REFERRERS
from service.demo.error import DemoError
from service.demo.filling import fill, left, unmarked
from service.massage.quality import period_of
from service.processes import be_interruptible
from service.progress import progress, tell
from service.settings import fhir_url

if TYPE_CHECKING:
    from datetime import date

    from service.demo.filling import Plan, Portion
    from service.settings import Settings

_SINCE: Final = timedelta(days=60)
"""Referrals of that age have come to something."""

_REFUSED: Final = (
    "the database holds a {} that is not marked as synthetic (meta.security HTEST). A demo is made in a database of "
    "its own: an empty one, or one that holds nothing but demos. Name another by DATABASE_URL or DATA_DIR"
)


def fill_demo(settings: Settings, plan: Plan) -> None:
    """Make what is left of a demo in the database of the settings, and tell of it; DemoError when it cannot be."""
    be_interruptible()
    if (found := asyncio.run(unmarked(settings))) is not None:
        raise DemoError(_REFUSED.format(found))
    portions = asyncio.run(left(settings, plan))
    began, resources, patients = monotonic(), 0, 0
    todo = sum(each.end - each.start for each in portions if each.kind == "patients")
    try:
        with progress("demo", todo) as bar:

            def told(portion: Portion, written: int) -> None:
                nonlocal resources, patients
                resources += written
                if portion.kind == "patients":
                    patients += portion.end - portion.start
                    bar.move(patients)
                    bar.say(patients, "patients")

            if portions:
                fill(settings, portions, plan.jobs, told=told)
    except KeyboardInterrupt:
        raise DemoError("interrupted; the same command goes on") from None
    if portions:
        asyncio.run(take_stock(settings))
    seconds = monotonic() - began
    tell(f"{patients:,} patients with {resources:,} resources made in {seconds:,.1f} s; {plan.patients:,} are there")


def next_steps(settings: Settings, today: date, command: str) -> str:
    """Who is there, and commands to try; `command` is how this one was called."""
    lines = ["Everybody and everything is made up, and marked as such (meta.security HTEST).", ""]
    for role, organisations in (("referrers", REFERRERS), ("clinics", CLINICS)):
        lines += [f"{role}: {', '.join(each.reference for each in organisations)}"]
    first, after = period_of(today - _SINCE, settings.outcome_period)
    period = f"periodStart={first:%Y-%m}&periodEnd={after - timedelta(days=1):%Y-%m}"
    base, clinic, referrer = fhir_url(settings), CLINICS[0].reference, REFERRERS[0].reference
    lines += ["", "With the service on the same database (make run), try:", ""]
    if "open" in settings.auth_mode:
        return "\n".join([*lines, *_questions(base, clinic, period, "")])
    lines += [
        f"  TOKEN=$({command} client token --role clinic --organisation {clinic})",
        f"  EHR=$({command} client token --role referrer --organisation {referrer})",
    ]
    return "\n".join([*lines, *_questions(base, clinic, period, ' -H "Authorization: Bearer $TOKEN"')])


def _questions(base: str, clinic: str, period: str, headers: str) -> list[str]:
    asked = (
        f"Task?owner={clinic}&status=requested&_include=Task:focus",
        f"Task?owner={clinic}&business-status=progress-report-due",
        f"{clinic}/$outcome-measures?{period}",
    )
    return [f"  curl -sS '{base}/{each}'{headers}" for each in asked]
