"""Made-up family names for patients of any number.

So many that in a clinic of a million resources, with 16,000 patients, a name finds about as many as in one of ten
thousand, with 160, and so alike in how they begin that one letter finds a page of those: what searches cost is compared
where they find the same amount.
"""

from __future__ import annotations

from typing import Final

_FIRST: Final = "BalBenBorDanDelDirElkElmElsGarGolGusMarMelMilMor"
_MIDDLE: Final = "abecadeebofogubhikalomimunoporasitta"
_LAST: Final = "bertdornfeldgardhammkinglandmanserickstenton"
"""Syllables of three, two and four letters."""


def family_name(number: int) -> str:
    """The family name of patient `number`: one of 57,024."""
    mixed = number * 2_654_435_761 % 2**32 >> 8
    first, middle, second, last = mixed % 16, mixed // 16 % 18, mixed // 288 % 18, mixed // 5184 % 11
    return f"{_FIRST[3 * first :][:3]}{_MIDDLE[2 * middle :][:2]}{_MIDDLE[2 * second :][:2]}{_LAST[4 * last :][:4]}"
