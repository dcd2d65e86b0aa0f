"""
Training sequences, made on the fly: prose of the books with needles in it, then questions with their answers.

A sequence is `<s>`, prose and needles, then questions. Every sequence is exactly as long as the context, so positions run
from 0 to the context's length less one. Beside the tokens come weights of the loss: which tokens are answers, and which
of those are values.
"""

import json
import random
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import forms

# What a token counts for.
PROSE, RANDOM, ANSWER, VALUE = 0, 1, 2, 3


@dataclass
class Piece:
    """Tokens and what each counts for."""

    tokens: list[int] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)

    def add(self, tokens, role: int) -> "Piece":
        self.tokens.extend(tokens)
        self.roles.extend([role] * len(tokens))
        return self


# Families of sequences: the value right after the name; whole sentences; the same under look-alike names and of several
# kinds; chains of assignments with every step written down; chains answered at once.
FAMILIES = ["plain", "spoken", "alike", "chain", "direct"]


@dataclass
class Fact:
    """One needle: whose value, of which kind."""

    kind: str
    name: str
    value: str


class Generator:
    """Makes sequences from one split of names and numbers: `training`, or `evaluation` for the measure beside it."""

    def __init__(self, work: Path, split: str, seed: int, books: list[str], ordered: bool = False):
        # Whether a chain's lines stand in the order in which a program would have them: the number's first.
        self.ordered = ordered
        self.tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
        words = json.loads((work / "words.json").read_text())
        self.names = words["names"][split]
        self.spelled = words["names"][split + "_spelled"]
        self.family = words["names"]["family"]
        self.numbers = words["numbers"][split]
        self.books = [(np.load(work / f"{book}.npy"), np.load(work / f"{book}-lines.npy")) for book in books]
        self.shares = [len(book) for book, _ in self.books]
        self.random = random.Random(seed)
        self.begin = self.tokenizer.token_to_id("<s>")
        self.stops = {token for text, token in self.tokenizer.get_vocab().items() if text[0] in ".!?"}
        self.words = words["common"]
        self.encode = lru_cache(maxsize=60_000)(self._encode)

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    # Names and values

    def name(self) -> str:
        """A whole token half of the time; else spelled in pieces, given and family name, or a thing."""
        kind = self.random.random()
        if kind < 0.5:
            return self.random.choice(self.names)
        if kind < 0.72:
            return self.random.choice(self.spelled)
        if kind < 0.92:
            return f"{self.random.choice(self.names)} {self.random.choice(self.family)}"
        return f"the {self.random.choice(self.words)}"

    def kind(self) -> str:
        """What a value is: one of the list, or any word with `code` or the like."""
        if self.random.random() < 0.7:
            return self.random.choice(forms.KINDS)
        return f"{self.random.choice(self.words)} {self.random.choice(forms.KIND_ENDINGS)}"

    def numbers_of_value(self) -> str:
        return f"{self.random.choice(self.numbers)} {self.random.choice(self.numbers)}"

    def value(self, shape: float) -> str:
        """Two numbers of three digits; for other shapes a number of four to six digits, or a word or two."""
        if shape < 0.65:
            return self.numbers_of_value()
        if shape < 0.85:
            rest = self.random.choice(self.numbers)
            return self.random.choice(self.numbers) + self.random.choice([rest, rest, rest[:1], rest[:2]])
        return " ".join(self.random.choice(self.words) for _ in range(self.random.randint(1, 2)))

    def facts(self, count: int, alike: bool = False) -> list[Fact]:
        """Facts of distinct kind and name: one kind and any names, or look-alike names and several kinds."""
        shape = self.random.random()
        # Not a set: its order differs from run to run, and with it the sequences.
        kinds = list(dict.fromkeys(self.kind() for _ in range(self.random.randint(2, 5) if alike else 1)))
        pool = [self.name() for _ in range(count)]
        if alike and self.random.random() < 0.6:
            pool = self.alike_names(max(1, count // 2))
        pairs: dict[tuple[str, str], None] = {}
        for _ in range(4 * count):
            pairs[self.random.choice(kinds), self.random.choice(pool)] = None
            if len(pairs) == count:
                break
        return [Fact(kind, name, self.value(shape)) for kind, name in pairs]

    def alike_names(self, count: int) -> list[str]:
        """Names that share the given or the family name."""
        given = self.random.sample(self.names, 2)
        family = self.random.sample(self.family, max(2, count))
        return [f"{self.random.choice(given)} {self.random.choice(family)}" for _ in range(count)] + given

    # Wordings

    def fill(self, wording: str, fact: Fact, around: int, value: int) -> Piece:
        """A wording with the fact in it: what its value's tokens count as, and the tokens around them."""
        before, _, after = wording.partition("{value}")
        text = " " + before.format(kind=fact.kind, name=fact.name)
        piece = Piece().add(self.encode(text.rstrip()), around)
        if not after:
            return piece
        return piece.add(self.encode(f" {fact.value}"), value).add(self.encode(after), around)

    def asked(self, question: str, answer: str, fact: Fact) -> Piece:
        """A question and its answer."""
        piece = self.fill(question, fact, PROSE, PROSE)
        said = self.fill(answer, fact, ANSWER, VALUE)
        return Piece(piece.tokens + said.tokens, piece.roles + said.roles)

    # Families of sequences

    def plain(self, room: int):
        facts = self.facts(self.random.randint(1, 3 if room < 256 else 8))
        asked = self.random.sample(facts, min(len(facts), 3 if room < 256 else 5))
        needles = [self.fill(self.random.choice(forms.PLAIN_NEEDLES), fact, PROSE, RANDOM) for fact in facts]
        return needles, [self.asked(self.random.choice(forms.PLAIN_QUESTIONS), forms.PLAIN_ANSWER, fact) for fact in asked]

    def spoken(self, room: int, alike: bool = False):
        most = 3 if room < 256 else 18 if alike else 8
        facts = self.facts(self.random.randint(1, most), alike)
        asked = self.random.sample(facts, min(len(facts), 2 if room < 256 else 5))
        wordings = forms.NEEDLES if self.random.random() < 0.5 else forms.NEEDLES[:1]
        needles = [self.fill(self.random.choice(wordings), fact, PROSE, RANDOM) for fact in facts]
        return needles, [self.asked(self.random.choice(forms.QUESTIONS), forms.ANSWER, fact) for fact in asked]

    def alike(self, room: int):
        return self.spoken(room, alike=True)

    def direct(self, room: int):
        return self.chain(room, direct=True)

    def chain(self, room: int, direct: bool = False):
        """Chains of assignments, their lines in any order; asked for any name, at most three steps from its number."""
        short = room < 256
        needles, questions = [], []
        pool = self.random.sample(self.names, 9)
        for _ in range(1 if short else self.random.randint(1, 3)):
            names = [pool.pop() for _ in range(self.random.randint(1, 3))]
            fact = Fact("", names[0], self.numbers_of_value())
            needles.append(self.fill(forms.CHAIN_VALUE, fact, PROSE, RANDOM))
            for other, name in zip(names, names[1:]):
                needles.append(Piece().add(self.encode(" " + forms.CHAIN_LINK.format(name=name, other=other)), PROSE))
            for steps in self.random.sample(range(len(names)), min(len(names), 1 if short else 2)):
                questions.append(self.chain_question(names[: steps + 1], fact, direct))
        if not self.ordered:
            self.random.shuffle(needles)
        self.random.shuffle(questions)
        return needles, questions

    def chain_question(self, names: list[str], fact: Fact, direct: bool) -> Piece:
        wording = forms.CHAIN_DIRECT_QUESTION if direct else forms.CHAIN_QUESTION
        piece = Piece().add(self.encode(" " + wording.format(name=names[-1])), PROSE)
        if not direct:
            piece.add(self.encode("".join(f" {name} =" for name in reversed(names))), ANSWER)
        return piece.add(self.encode(f" {fact.value}"), VALUE).add(self.encode("."), ANSWER)

    # Sequences

    def prose(self, count: int) -> list[int]:
        """So many tokens in a row from one of the books; of the book broken into lines three times in ten."""
        paragraphs, lines = self.random.choices(self.books, self.shares)[0]
        book = lines if self.random.random() < 0.3 else paragraphs
        start = self.random.randrange(len(book) - count)
        return book[start : start + count].tolist()

    def sequence(self, length: int, family: str) -> Piece:
        """One sequence of exactly `length` tokens."""
        while True:
            needles, questions = getattr(self, family)(length)
            taken = 1 + sum(len(piece.tokens) for piece in [*needles, *questions])
            if taken <= length:
                break
        prose = self.prose(length - taken)
        self.mention(prose)
        places = self.places(prose, len(needles))
        whole = Piece().add([self.begin], PROSE)
        last = 0
        if not self.ordered:
            self.random.shuffle(needles)
        for place, needle in zip(places, needles):
            whole.add(prose[last:place], PROSE)
            last = place
            whole.tokens += needle.tokens
            whole.roles += needle.roles
        whole.add(prose[last:], PROSE)
        for question in questions:
            whole.tokens += question.tokens
            whole.roles += question.roles
        return whole

    def places(self, prose: list[int], count: int) -> list[int]:
        """Where needles are put: after sentences half of the time, else anywhere."""
        free = range(len(prose) + 1)
        if self.random.random() < 0.5:
            free = [0] + [place + 1 for place, token in enumerate(prose) if token in self.stops]
        return sorted(self.random.choice(free) for _ in range(count))

    def mention(self, prose: list[int]) -> None:
        """Puts names and numbers into the prose, so that seeing one is not yet having found a needle."""
        if len(prose) < 32 or self.random.random() < 0.5:
            return
        for _ in range(self.random.randint(1, 6)):
            number = self.random.choice(self.numbers) + self.random.choice(["", "", str(self.random.randint(0, 99))])
            text = self.name() if self.random.random() < 0.7 else number
            tokens = self.encode(" " + text)
            place = self.random.randrange(len(prose) - len(tokens))
            prose[place : place + len(tokens)] = tokens

    def batch(self, count: int, length: int, mix: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Tokens `[count, length]` and what each counts for; `mix` gives the shares of the families."""
        families = self.random.choices(list(mix), list(mix.values()), k=count)
        pieces = [self.sequence(length, family) for family in families]
        tokens = np.array([piece.tokens for piece in pieces], dtype=np.int64)
        return tokens, np.array([piece.roles for piece in pieces], dtype=np.uint8)
