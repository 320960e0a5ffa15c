"""What a PromQL expression names: series, matchers, windows, labels. Its grammar is promtool's business."""

import re
from dataclasses import dataclass

AGGREGATIONS = {
    *("sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values"),
    *("bottomk", "topk", "quantile"),
}
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = _GROUPING | {"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"}
# Which argument, counted from 0, is the name of a label that the function makes.
_MAKES_LABEL = {"label_replace": 1, "label_join": 1, "count_values": 0}

_TOKEN = re.compile(
    r"""
      (?P<space>\s+ | \#[^\n]*)
    | (?P<text>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*`)
    | (?P<window>\[[^\]]*\])
    | (?P<variable>\$\w+ | \$\{[^}]*\})
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?\w*)
    | (?P<name>[a-zA-Z_:][\w:]*)
    | (?P<sign>=~|!~|==|!=|>=|<=|[-+*/%^=<>@,(){}])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Matcher:
    label: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A series with its matchers. `calls` are the functions around it, the innermost last.

    `kept` are the labels that the outermost aggregation around it leaves, None where there is none.
    """

    name: str
    matchers: tuple[Matcher, ...]
    calls: tuple[str, ...]
    kept: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Expression:
    """What an expression names. `windows` tells the function around each; `made` are labels it adds."""

    selectors: tuple[Selector, ...]
    windows: tuple[tuple[str, str], ...]
    grouped: frozenset[str]
    made: frozenset[str]


def tokens(expr: str) -> list[Token]:
    """The expression in pieces, without blanks and comments; raises ValueError at a sign PromQL lacks."""
    found, at = [], 0
    while at < len(expr):
        match = _TOKEN.match(expr, at)
        if match is None or match.lastgroup is None:
            raise ValueError(f"not PromQL from character {at} on: {expr[at : at + 20]!r}")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0]))
        at = match.end()
    return found


def parse(expr: str) -> Expression:
    """What `expr` names; raises ValueError for a bracket that has no partner."""
    reader = _Reader(tokens(expr))
    reader.read(len(reader.tokens), (), None)
    return Expression(
        tuple(reader.selectors), tuple(reader.windows), frozenset(reader.grouped), frozenset(reader.made)
    )


class _Reader:
    """Walks over the tokens once; what is between parentheses is read with the call that they belong to."""

    def __init__(self, pieces: list[Token]) -> None:
        self.tokens = [*pieces, Token("end", "")]
        self.selectors: list[Selector] = []
        self.windows: list[tuple[str, str]] = []
        self.grouped: set[str] = set()
        self.made: set[str] = set()
        self._at = 0
        self._partner = _partners(pieces)

    def read(self, end: int, calls: tuple[str, ...], kept: frozenset[str] | None) -> None:
        while self._at < min(end, len(self.tokens) - 1):
            token = self.tokens[self._at]
            if token.kind == "window":
                self.windows.append((calls[-1] if calls else "", token.text[1:-1]))
            if token.kind == "name" and token.text.lower() not in _WORDS:
                self._name(token.text, calls, kept)
            elif token.kind == "name" and token.text in _GROUPING and self._follows("("):
                self.grouped |= self._labels(self._at + 1)
                self._at = self._partner[self._at + 1] + 1
            elif token.text == "{":
                self._selector("", calls, kept)
            else:
                self._at += 1

    def _name(self, name: str, calls: tuple[str, ...], kept: frozenset[str] | None) -> None:
        if name in AGGREGATIONS:
            left = self._aggregation()
            kept = left if kept is None else kept
        elif not self._follows("("):
            self._selector(name, calls, kept)
            return
        else:
            self._at += 1
        start, end = self._at, self._partner[self._at]
        self._label_made(name, start, end)
        self._at = start + 1
        self.read(end, (*calls, name), kept)

    def _aggregation(self) -> frozenset[str] | None:
        """The labels that an aggregation leaves; goes on to its opening parenthesis."""
        self._at += 1
        start = self._at
        if self.tokens[start].text in ("by", "without"):
            place, self._at = start, self._partner[start + 1] + 1
        else:
            place = self._partner[start] + 1
        word = self.tokens[place].text
        if word not in ("by", "without"):
            return frozenset()
        labels = self._labels(place + 1)
        self.grouped |= labels
        return frozenset(labels) if word == "by" else None

    def _label_made(self, name: str, start: int, end: int) -> None:
        if name in _MAKES_LABEL:
            arguments: list[list[str]] = [[]]
            for at in range(start + 1, end):
                if self.tokens[at].text == "," and self._depth(at) == self._depth(start) + 1:
                    arguments.append([])
                else:
                    arguments[-1].append(self.tokens[at].text)
            self.made.add(arguments[_MAKES_LABEL[name]][0].strip("\"'`"))

    def _depth(self, at: int) -> int:
        return sum(start < at < end for start, end in self._partner.items())

    def _selector(self, name: str, calls: tuple[str, ...], kept: frozenset[str] | None) -> None:
        matchers: list[Matcher] = []
        self._at += bool(name)
        if self.tokens[self._at].text == "{":
            end = self._partner[self._at]
            pieces = [token.text for token in self.tokens[self._at + 1 : end] if token.text != ","]
            matchers = [
                Matcher(label, operator, value[1:-1])
                for label, operator, value in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
            ]
            self._at = end + 1
        self.selectors.append(Selector(name, tuple(matchers), calls, kept))

    def _follows(self, sign: str) -> bool:
        return self.tokens[self._at + 1].text == sign

    def _labels(self, start: int) -> set[str]:
        inside = self.tokens[start + 1 : self._partner[start]]
        return {token.text for token in inside if token.kind == "name"}


def _partners(pieces: list[Token]) -> dict[int, int]:
    """The place of the closing bracket by that of the opening one."""
    found, opened = {}, []
    for at, token in enumerate(pieces):
        if token.kind == "sign" and token.text in "({":
            opened.append(at)
        elif token.kind == "sign" and token.text in ")}":
            if not opened or pieces[opened[-1]].text + token.text not in ("()", "{}"):
                raise ValueError(f"{token.text!r} closes nothing")
            found[opened.pop()] = at
    if opened:
        raise ValueError(f"{pieces[opened[-1]].text!r} is never closed")
    return found
