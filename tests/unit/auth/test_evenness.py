"""Refusals take as long as the slowest look at an assertion of late."""

from __future__ import annotations

from service.auth.evenness import Evenness


class Time:
    """A clock that goes on by what is slept, and by what a look takes."""

    seconds = 0.0

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def refused_after(evenness: Evenness, time: Time, took: float) -> float:
    began = evenness.start()
    time.seconds += took
    await evenness.wait(began)
    return time.seconds - began


def made() -> tuple[Evenness, Time]:
    time = Time()
    return Evenness(time.now, time.sleep), time


async def test_what_takes_no_time_and_what_takes_some_are_refused_equally_late() -> None:
    evenness, time = made()
    assert {round(await refused_after(evenness, time, took), 6) for took in (0.0, 0.001, 0.019)} == {0.02}


async def test_a_key_set_that_took_long_makes_all_refusals_take_as_long() -> None:
    """Also where a look succeeded, so that clients who do right teach it before somebody does wrong."""
    evenness, time = made()
    began = evenness.start()
    time.seconds += 0.3
    evenness.note(began)
    for took in (0.0, 0.1):
        assert round(await refused_after(evenness, time, took), 6) == 0.3


async def test_what_took_long_is_forgotten_after_a_while() -> None:
    evenness, time = made()
    await refused_after(evenness, time, 0.5)
    time.seconds += 600
    assert round(await refused_after(evenness, time, 0.0), 6) == 0.5
    time.seconds += 600
    assert round(await refused_after(evenness, time, 0.0), 6) == 0.02


async def test_nobody_waits_for_longer_than_is_reasonable() -> None:
    evenness, time = made()
    await refused_after(evenness, time, 60.0)
    assert round(await refused_after(evenness, time, 0.0), 6) == 2.0
