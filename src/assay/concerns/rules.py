"""Rules over features, such as ``intent > 0.8 and not fiction > 0.5``, in a small safe grammar.

    rule        = any
    any         = all ("or" all)*
    all         = negation ("and" negation)*
    negation    = "not" negation | "(" any ")" | comparison
    comparison  = sum (">" | ">=" | "<" | "<=") sum
    sum         = ["-"] term (("+" | "-") term)*
    term        = number ["*" name] | name ["*" number]

A rule is parsed and never evaluated as Python code.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.errors import AssayError, unknown_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

Values = Mapping[str, "float | NDArray"]
"""Feature name → its value, or its values [conversations]."""

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
WORDS = ("and", "or", "not")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][\w.:-]*\w|[A-Za-z_])"
    r"|(?P<sign>>=|<=|[<>()+*-]))"
)
DEEPEST = 50
"""Deepest nesting of parentheses and negations in a rule."""


@dataclass(frozen=True)
class Token:
    """A token of a rule: a number, a name, a sign or a word."""

    kind: str
    """number, name, sign, word or end."""
    text: str
    """Its text in the rule."""
    column: int
    """Column at which it starts, counted from 1."""


@dataclass(frozen=True)
class Sum:
    """A weighted sum of features and a constant."""

    weights: tuple[tuple[str, float], ...]
    """Feature names, each with its factor."""
    constant: float
    """The constant that is added."""

    def of(self, values: Values) -> Any:
        """The sum's value."""
        return self.constant + sum(weight * values[name] for name, weight in self.weights)


@dataclass(frozen=True)
class Comparison:
    """A comparison of two sums."""

    left: Sum
    """The sum before the sign."""
    sign: str
    """One of COMPARISONS."""
    right: Sum
    """The sum after the sign."""

    def holds(self, values: Values) -> Any:
        """Whether the condition holds, for each conversation."""
        return COMPARISONS[self.sign](self.left.of(values), self.right.of(values))


@dataclass(frozen=True)
class Joined:
    """Conditions joined by ``and`` or ``or``, or a negated condition."""

    word: str
    """and, or, or not."""
    parts: tuple[Any, ...]
    """The conditions: each a Comparison or a Joined."""

    def holds(self, values: Values) -> Any:
        """Whether the condition holds, for each conversation."""
        found = [part.holds(values) for part in self.parts]
        if self.word == "not":
            return np.logical_not(found[0])
        join = np.logical_and if self.word == "and" else np.logical_or
        return join.reduce(found)


@dataclass(frozen=True)
class Rule:
    """A parsed rule."""

    expression: str
    """The rule as it was written."""
    condition: Comparison | Joined
    """What must hold for the rule to fire."""
    names: tuple[str, ...]
    """The features that it reads, in the order of their first occurrence."""

    def holds(self, values: Values) -> bool | NDArray:
        """Whether the rule fires: a bool for numbers, bool [conversations] for arrays."""
        found = self.condition.holds(values)
        return found if np.ndim(found) else bool(found)


def parse_rule(expression: str, names: Collection[str]) -> Rule:
    """Parse a rule over the features ``names``.

    Raises AssayError, naming the column, for a character that is not allowed, an unknown feature
    (with the nearest name), and a missing comparison or parenthesis.

    >>> rule = parse_rule("intent > 0.8 and not fiction > 0.5", ("intent", "fiction"))
    >>> rule.holds({"intent": 0.9, "fiction": 0.1}), rule.holds({"intent": 0.9, "fiction": 0.7})
    (True, False)
    """
    parser = _Parser(expression, names)
    condition = parser.any_of(0)
    if parser.token.kind != "end":
        raise parser.error("'and', 'or' or the end of the rule")
    return Rule(expression, condition, tuple(dict.fromkeys(parser.mentioned)))


class _Parser:
    """Recursive descent over the tokens of one rule."""

    def __init__(self, expression: str, names: Collection[str]) -> None:
        self.expression = expression
        self.names = names
        self.tokens = _tokens(expression)
        self.place = 0
        self.mentioned: list[str] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def error(self, wanted: str) -> AssayError:
        found = "the end" if self.token.kind == "end" else f"'{self.token.text}'"
        return AssayError(
            f"rule '{self.expression}', column {self.token.column}: found {found}, "
            f"expected {wanted}"
        )

    def take(self, *texts: str) -> str | None:
        """The token's text if it is one of ``texts``, moving to the next token; else None."""
        if self.token.kind in ("sign", "word") and self.token.text in texts:
            self.place += 1
            return self.tokens[self.place - 1].text
        return None

    def any_of(self, depth: int) -> Comparison | Joined:
        parts = [self.all_of(depth)]
        while self.take("or"):
            parts.append(self.all_of(depth))
        return parts[0] if len(parts) == 1 else Joined("or", tuple(parts))

    def all_of(self, depth: int) -> Comparison | Joined:
        parts = [self.negation(depth)]
        while self.take("and"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else Joined("and", tuple(parts))

    def negation(self, depth: int) -> Comparison | Joined:
        if depth > DEEPEST:
            raise self.error(f"at most {DEEPEST} nested conditions")
        if self.take("not"):
            return Joined("not", (self.negation(depth + 1),))
        if self.take("("):
            inside = self.any_of(depth + 1)
            if not self.take(")"):
                raise self.error("')'")
            return inside
        return self.comparison()

    def comparison(self) -> Comparison:
        left = self.sum()
        sign = self.take(*COMPARISONS)
        if sign is None:
            raise self.error("a comparison: >, >=, < or <=")
        return Comparison(left, sign, self.sum())

    def sum(self) -> Sum:
        weights: list[tuple[str, float]] = []
        constant = 0.0
        sign = -1.0 if self.take("-") else 1.0
        while True:
            name, factor = self.term()
            if name is None:
                constant += sign * factor
            else:
                weights.append((name, sign * factor))
            following = self.take("+", "-")
            if following is None:
                return Sum(tuple(weights), constant)
            sign = -1.0 if following == "-" else 1.0

    def term(self) -> tuple[str | None, float]:
        """(name or None, factor)."""
        name, factor = self.atom()
        if self.take("*"):
            other, times = self.atom()
            if name is not None and other is not None:
                self.place -= 1
                raise self.error("a number: features cannot be multiplied with each other")
            name, factor = name or other, factor * times
        return name, factor

    def atom(self) -> tuple[str | None, float]:
        token = self.token
        if token.kind == "number":
            self.place += 1
            return None, float(token.text)
        if token.kind != "name":
            raise self.error("a feature's name or a number")
        if token.text not in self.names:
            unknown = unknown_name("feature", token.text, self.names)
            raise AssayError(f"rule '{self.expression}', column {token.column}: {unknown}")
        self.place += 1
        self.mentioned.append(token.text)
        return token.text, 1.0


def _tokens(expression: str) -> list[Token]:
    tokens = []
    place = 0
    end = len(expression.rstrip())
    while place < end:
        match = _TOKEN.match(expression, place)
        if match is None:
            column = place + len(expression[place:]) - len(expression[place:].lstrip()) + 1
            raise AssayError(
                f"rule '{expression}', column {column}: '{expression[column - 1]}' is not allowed "
                "in a rule; a rule has names, numbers, > >= < <= + - * ( ) and, or, not"
            )
        group = str(match.lastgroup)
        text = match[group]
        kind = "word" if text in WORDS else group
        tokens.append(Token(kind, text, match.start(group) + 1))
        place = match.end()
    return [*tokens, Token("end", "", len(expression) + 1)]
