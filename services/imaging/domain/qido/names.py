"""Names of persons as they are compared: without case, accents and width, in every group (Latin, ideographic, phonetic).

DICOM PS3.4 C.2.2.2.1: names may be compared without case and accents. A loose comparison (fuzzymatching) takes each word asked
for the beginning of some word of the name, or of how its ideographs are read (our decision).
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final

from services.imaging.domain.qido.wildcards import pattern_of

_GROUP: Final = "="
_WORDS: Final = re.compile(r"[\s^=,]+")


def folded(text: str) -> str:
    """A name without case, accents, width and blanks at the ends of its components."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
    bare = unicodedata.normalize("NFC", "".join(each for each in plain if not unicodedata.combining(each))).casefold()
    return _GROUP.join("^".join(part.strip() for part in group.split("^")).rstrip("^") for group in bare.split(_GROUP))


def matches(asked: str, name: str) -> bool:
    """Whether a name, both folded, is the one asked for, `*` and `?` being wildcards.

    Asked in groups, each that is not empty is compared with its own; asked in one, with whichever.
    """
    groups = name.split(_GROUP)
    if _GROUP not in asked:
        pattern = pattern_of(asked)
        return any(pattern.fullmatch(each) is not None for each in groups)
    wanted = asked.split(_GROUP)
    told = groups + [""] * (len(wanted) - len(groups))
    return all(not one or pattern_of(one).fullmatch(other) for one, other in zip(wanted, told, strict=False))


def resembles(asked: str, words: frozenset[str]) -> bool:
    """Whether each word asked, folded, is the beginning of one of the words of a name; without a word nothing does."""
    wanted = [bare for each in _WORDS.split(asked) if (bare := each.strip("*?"))]
    return bool(wanted) and all(any(word.startswith(each) for word in words) for each in wanted)


def words_of(*texts: str) -> frozenset[str]:
    """The words of folded names and readings, and of each pair beside each other as one word, for readings are written so too."""
    words: set[str] = set()
    for text in texts:
        found = [each for each in _WORDS.split(text) if each]
        words.update(found)
        words.update(one + other for one, other in pairwise(found))
        if found:
            words.add("".join(found))
    return frozenset(words)
