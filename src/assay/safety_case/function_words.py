"""Whether a feature fires on function words, which occur everywhere and stand for no concern."""

from __future__ import annotations

from functools import cache

from assay.concerns.candidates.result import Candidate
from assay.organisms.packaged_yaml import Words, read_packaged_yaml
from assay.strict import StrictModel


class FunctionWords(StrictModel):
    """The word list."""

    words: Words
    """English articles, pronouns, prepositions, conjunctions, auxiliaries; in lower case."""


@cache
def function_words() -> frozenset[str]:
    """The word list that is shipped, ``function_words.yaml``."""
    listed = read_packaged_yaml("assay.safety_case", "function_words.yaml", FunctionWords)
    return frozenset(listed.words)


def share_of_function_words(candidate: Candidate) -> float | None:
    """Share of the examples whose strongest token is a function word, a mark or a space.

    None where the candidate has no example with a token.
    """
    peaks = [
        max(example, key=lambda token: token[1])[0] for example in candidate.examples if example
    ]
    if not peaks:
        return None
    return sum(_is_empty_of_content(peak) for peak in peaks) / len(peaks)


def _is_empty_of_content(token: str) -> bool:
    letters = "".join(c for c in token.lower() if c.isalnum() or c in "'’").strip("'’")
    return not letters or letters.replace("’", "'") in function_words()
