"""
Checks that evaluation shares no book, name or number with training: in the lists, in the books and in sequences as
training makes them. Ends with 1 where it does.

    python experiments/demo_model/check_disjoint.py
"""

import json
import re
import sys

from generator import FAMILIES, Generator
from prepare import EVALUATION, WORK
from sources import evaluation_books, training_books
from train import BOOKS
from words import words_of

SEQUENCES = 1000
# So many words in a row are taken for the same text; shorter runs are common phrases.
RUN = 12


def runs(text: str) -> set[int]:
    """Every run of words, as a hash."""
    words = re.findall(r"[a-z]+", text.lower())
    return {hash(tuple(words[start : start + RUN])) for start in range(len(words) - RUN + 1)}


def held_out() -> dict[str, set[str]]:
    """The lists that evaluation draws from, as the library has them."""
    text = (EVALUATION / "held_out.ts").read_text()
    lists = re.findall(r"export const (\w+): [^(]*\(\s*(.*?)\s*\)\.split", text, re.S)
    return {name: set(" ".join(re.findall(r'"([^"]*)"', body)).split()) for name, body in lists}


def generated(names: set[str], numbers: set[str]) -> tuple[int, int, int]:
    """
    How many held-out names and numbers stand in sequences as training makes them: names and numbers as the tokens that
    they are, and names that only pieces of other words make where a needle cuts a sentence.
    """
    generator = Generator(WORK, "training", 7, BOOKS)
    found_names = found_numbers = by_chance = 0
    for family in FAMILIES:
        for _ in range(SEQUENCES):
            tokens = generator.sequence(512, family).tokens
            pieces = {generator.tokenizer.id_to_token(token).removeprefix("Ġ") for token in tokens}
            text = generator.tokenizer.decode(tokens)
            found_numbers += len(numbers & pieces)
            found_names += len(names & pieces)
            by_chance += len((names & words_of([text])) - pieces)
    return found_names, found_numbers, by_chance


def main() -> int:
    words = json.loads((WORK / "words.json").read_text())
    lists = held_out()
    names = lists["heldOutNames"] | lists["heldOutFamilyNames"]
    numbers = lists["heldOutNumbers"]
    trained = {name for use in ("training", "training_spelled", "family") for name in words["names"][use]}
    training, evaluation = training_books(WORK), evaluation_books(WORK)
    seen = set().union(*(runs(text) for text in training.values()))
    in_sequences = generated(names, numbers)
    counts = {
        "books in both": len(training.keys() & evaluation.keys()),
        "names in both lists": len(names & trained),
        "held-out names in the training's books": len(names & words_of(training.values())),
        "numbers in both lists": len(numbers & set(words["numbers"]["training"])),
        "digits in the training's books": sum(len(re.findall(r"\d", text)) for text in training.values()),
        f"held-out names in {SEQUENCES * len(FAMILIES):,} training sequences": in_sequences[0],
        f"held-out numbers in {SEQUENCES * len(FAMILIES):,} training sequences": in_sequences[1],
    }
    print(f"evaluation: {len(evaluation)} books, {len(names)} names, {len(numbers)} numbers")
    print(f"training: {len(training)} books, {len(trained):,} names, {len(words['numbers']['training'])} numbers")
    for what, count in counts.items():
        print(f"{count:6} {what}")
    print(f"{in_sequences[2]:6} more made by chance of pieces of two words, where a needle or a mention cuts one")
    for name, text in evaluation.items():
        own = runs(text)
        print(f"{len(own & seen):6} of {len(own):,} runs of {RUN} words of {name} stand in the training's books")
    return 1 if any(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
