"""Text → search: recursive descent over Sentry's grammar. Sentry docs, "Search".

::

    search    := any
    any       := all ("OR" all)*
    all       := item (["AND"] item)*             # AND binds tighter
    item      := "(" any ")" | condition | text
    condition := ["!"] key ":" value
    key       := name | '"' name '"' | "tags[" name "]" | 'flags["' name '"]' | function "(" … ")"
    value     := [">" | ">=" | "<" | "<=" | "=" | "!="] word | '"' … '"' | "[" value ("," value)* "]"

It is written by hand: what a value may be depends on the type of its key, where free text ends depends on whether
the next word is a condition, and an error is to say at which character what is allowed. A generated parser gives
none of the three, and would be one more dependency of those who only test their rules.
"""

from __future__ import annotations

import re
from typing import NoReturn

from ...errors import SearchError
from ..fields import Kind
from .conditions import condition_of, free_text, having_of
from .search import Condition, Having, Search
from .tree import All, Either, Node, aggregate_in, conjuncts
from .written import Written

MOST_CHARACTERS = 10_000
MOST_NESTED = 50
_BLANK = " \t\n"
_KEY = re.compile(
    r'(?P<bang>!?)(?P<key>tags\[[^\]\n]+\]|flags\["?[^"\]\n]+"?\]|"[a-zA-Z0-9_.:-]+"|[a-zA-Z0-9_.-]+'
    r"(?P<call>\((?:\"(?:\\\"|[^\"\n])*\"|[^()\"\n])*\))?):"
)
_OPERATOR = re.compile(r">=|<=|!=|>|<|=")
_BOOLEAN = re.compile(r"(?i:AND|OR)(?=[\s()]|$)")
_WORD = re.compile(r"[^()\s]+")
_QUOTED = re.compile(r'"((?:\\"|[^"])*)"')
_VALUE = re.compile(r"[^()\s]*")
_LISTED = re.compile(r'\s*(?:"((?:\\"|[^"])*)"|([^,\]()\s"][^,\]()\n"]*?)?)\s*([,\]])')
_PLAIN_PARENS = re.compile(r"\([^():\"]*\)")
_NOT_PLAIN = re.compile(r"(?i)\b(?:AND|OR)\b|^\(\s+\)$")
_BANG_GROUP = re.compile(r"!\s*\(")
_CALL_WITHOUT = re.compile(r"[a-z_0-9]+\([^()]*\)(?=\s|$)")


def parse_search(text: str, *, kind: Kind | None = None, where: str | None = None) -> Search:
    """Read a search over rows of ``kind``; ``where`` names its place in messages. Raises ``SearchError``.

    With a ``kind`` the fields are those of such rows; without one, those of all. O(characters).
    """
    if len(text) > MOST_CHARACTERS:
        raise SearchError(
            f"the search has {len(text)} characters, {MOST_CHARACTERS} are allowed",
            position=MOST_CHARACTERS + 1,
            where=where,
        )
    parser = _Parser(text, kind, where)
    node = parser.whole()
    parts, having = conjuncts(node)
    return Search(
        text=text, parts=tuple(parts), having=tuple(having), doubts=tuple(dict.fromkeys(parser.doubts))
    )


class _Parser:
    def __init__(self, text: str, kind: Kind | None, where: str | None) -> None:
        self.text, self.kind, self.where = text, kind, where
        self.at = 0
        self.depth = 0
        self.doubts: list[str] = []

    def whole(self) -> Node:
        """Everything, to the end."""
        self._skip()
        if self.at == len(self.text):
            return All((), "", 1)
        node = self._any()
        if self.at < len(self.text):
            self._refuse("there is no ( for this )", self.at)
        return node

    def _any(self) -> Node:
        start = self.at
        nodes = [self._all()]
        first: int | None = None
        while self._boolean() == "OR":
            first = self.at if first is None else first
            self._operator("OR")
            nodes.append(self._all())
        if first is None:
            return nodes[0]
        if self.kind == "issue":
            self._refuse("issues cannot be searched with OR", first, "write a list: key:[a, b]")
        for node in nodes:
            aggregate = aggregate_in(node)
            if aggregate is not None:
                self._refuse(
                    f"the aggregate {aggregate.text!r} cannot be under OR",
                    aggregate.position - 1,
                    "join it with AND, outside of the OR",
                )
        return Either(tuple(nodes), self.text[start : self.at].strip(), start + 1)

    def _all(self) -> Node:
        start = self.at
        nodes = [self._item()]
        while self.at < len(self.text) and self.text[self.at] != ")":
            word = self._boolean()
            if word == "OR":
                break
            if word == "AND":
                self._operator("AND")
            nodes.append(self._item())
        return (
            nodes[0] if len(nodes) == 1 else All(tuple(nodes), self.text[start : self.at].strip(), start + 1)
        )

    def _item(self) -> Node:
        start = self.at
        word = self._boolean()
        if word:
            self._refuse(f"there is no condition before {word}", start, "write a condition on both sides")
        if _BANG_GROUP.match(self.text, start):
            self._refuse("a group cannot be negated", start, "negate each condition in it: !a:1 !b:2")
        if self.text[start] == "(":
            return self._group()
        match = _KEY.match(self.text, start)
        node: Node = self._condition(match) if match is not None else self._free_text()
        self._skip()
        return node

    def _group(self) -> Node:
        start = self.at
        self.depth += 1
        if self.depth > MOST_NESTED:
            self._refuse(f"groups are nested more than {MOST_NESTED} deep", start)
        self.at += 1
        self._skip()
        if self.at == len(self.text) or self.text[self.at] == ")":
            self._refuse("the group is empty", start, "write a condition between ( and )")
        node = self._any()
        if self.at == len(self.text):
            self._refuse("this ( is never closed", start, "add a )")
        self.at += 1
        self.depth -= 1
        self._skip()
        return node

    def _condition(self, match: re.Match[str]) -> Condition | Having:
        start = self.at
        key = match["key"].strip('"') if match["key"].startswith('"') else match["key"]
        self.at = match.end()
        negated = bool(match["bang"])
        sign = _OPERATOR.match(self.text, self.at)
        operator = "="
        if sign is not None:
            operator, self.at = sign[0], sign.end()
            if operator == "!=":
                operator, negated = "=", not negated
        listed = self._list() if self.text[self.at : self.at + 1] == "[" and operator == "=" else None
        if listed is not None:
            operator = "in"
        values = [self._value(key, start)] if listed is None else listed
        written = Written(
            text=self.text[start : self.at],
            position=start + 1,
            key=key,
            operator=operator,
            values=values,
            negated=negated,
            kind=self.kind,
            where=self.where,
        )
        if match["call"] is not None:
            return having_of(written)
        return condition_of(written, self.doubts)

    def _value(self, key: str, start: int) -> str:
        """The one value after the colon, quotes removed."""
        here = self.text[self.at : self.at + 1]
        if here == '"':
            match = _QUOTED.match(self.text, self.at)
            if match is None:
                self._refuse(
                    "this quote is never closed", self.at, 'add a ", and write \\" for a quote inside'
                )
            self.at = match.end()
            return match[1].replace('\\"', '"')
        bare = _VALUE.match(self.text, self.at)
        value = bare[0] if bare else ""
        if not value:
            self._refuse(
                f"there is no value after {self.text[start : self.at]!r}",
                self.at,
                f'write {key}:value, or {key}:"" for rows without one; put text that has a colon into quotes',
            )
        self.at += len(value)
        if self.text[self.at : self.at + 1] == "(":
            self.doubts.append(
                f"{self.text[start : self.at]!r} ends at the ( that follows, which begins a group; put the value into "
                "quotes to have it inside"
            )
        return value

    def _list(self) -> list[str] | None:
        """The values of ``[a, b]``; None when it is no list but a word that begins with a bracket."""
        start, at, found = self.at, self.at + 1, list[str]()
        while True:
            match = _LISTED.match(self.text, at)
            if match is None:
                if "]" not in self.text[start:]:
                    self._refuse("this list is never closed", start, "write it as in key:[a, b]")
                self._refuse(
                    "this value of the list cannot be read", at, 'put it into quotes: key:["a b", c]'
                )
            if match[1] is None and not match[2]:
                self._refuse("a list cannot have empty values", at, "write it as in key:[a, b]")
            found.append(match[1].replace('\\"', '"') if match[1] is not None else match[2])
            at = match.end()
            if match[3] == "]":
                break
        rest = self.text[at : at + 1]
        if rest and rest not in _BLANK + ")":
            return None
        self.at = at
        return found

    def _free_text(self) -> Condition:
        start = self.at
        quoted = _QUOTED.match(self.text, start)
        if quoted is not None:
            self.at = end = quoted.end()
            wanted = quoted[1].replace('\\"', '"')
        else:
            end = self._run_of_words()
            wanted = " ".join(self.text[start:end].split())
        call = _CALL_WITHOUT.fullmatch(wanted) if quoted is None else None
        if call is not None:
            self.doubts.append(
                f"{wanted!r} is taken as text to look for; write {wanted}:>0 to compare an aggregate"
            )
        return free_text(
            Written(
                text=self.text[start:end],
                position=start + 1,
                key="",
                operator="contains",
                values=(wanted,),
                negated=False,
                kind=self.kind,
                where=self.where,
            )
        )

    def _run_of_words(self) -> int:
        """Go over words up to the next condition, operator or group; where the last of them ends."""
        end = self.at
        while self.at < len(self.text) and not (
            _KEY.match(self.text, self.at) or _BOOLEAN.match(self.text, self.at)
        ):
            # Text such as "save() failed" or "failed (twice)" has parentheses of its own.
            word = _PLAIN_PARENS.match(self.text, self.at)
            if word is not None and _NOT_PLAIN.search(word[0]):
                word = None
            word = word or _WORD.match(self.text, self.at)
            if word is None:
                break
            self.at = end = word.end()
            self._skip()
        return end

    def _boolean(self) -> str | None:
        match = _BOOLEAN.match(self.text, self.at)
        return match[0].upper() if match else None

    def _operator(self, word: str) -> None:
        start = self.at
        self.at += len(word)
        self._skip()
        if self.at == len(self.text) or self.text[self.at] == ")":
            self._refuse(f"there is no condition after {word}", start, "write a condition on both sides")

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _refuse(self, what: str, at: int, hint: str | None = None) -> NoReturn:
        before, after = self.text[max(at - 20, 0) : at], self.text[at : at + 20]
        raise SearchError(
            f"{what}: …{before}▸{after}" if self.text else what, position=at + 1, where=self.where, hint=hint
        )
