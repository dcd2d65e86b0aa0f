"""Names and numbers: which the tokenizer holds as whole tokens, and which of them training never sees."""

import random
import re
from collections import Counter
from pathlib import Path

SPLIT_SEED = 2407_15176
# Of a thousand numbers and of the names, so many are kept for evaluation.
EVALUATION_NUMBERS = 250
EVALUATION_NAMES = 250
# Names that are spelled in several tokens; the rest of the list trains.
EVALUATION_SPELLED_NAMES = 100

HERE = Path(__file__).parent


def name_list(section: str) -> list[str]:
    """The given or the family names of names.txt."""
    after = (HERE / "names.txt").read_text("utf-8").split(f"[{section}]\n")[1]
    return after.split("[")[0].split()


def words_of(texts) -> set[str]:
    """Every word that stands in the texts."""
    return {word for text in texts for word in re.findall(r"[A-Za-z]+", text)}


def choose_names(count: int, training_texts, evaluation_texts, pieces) -> dict[str, list[str]]:
    """
    Names by use: `training` and `evaluation` become whole tokens, `training_spelled` and `evaluation_spelled` don't, and
    `family` are second names. Those for evaluation stand in no book, so that no name of a needle is anywhere else. `pieces`: words that are tokens already.
    """
    in_training = words_of(training_texts)
    in_books = in_training | words_of(evaluation_texts)
    shuffle = random.Random(SPLIT_SEED)
    given = [name for name in name_list("given") if name not in pieces]
    shuffle.shuffle(given)
    unseen = [name for name in given if name not in in_books]
    evaluation = unseen[:EVALUATION_NAMES]
    evaluation_spelled = unseen[EVALUATION_NAMES : EVALUATION_NAMES + EVALUATION_SPELLED_NAMES]
    kept = {*evaluation, *evaluation_spelled}
    # A name of the training's books has pieces of its own already.
    fresh = [name for name in given if name not in kept and name not in in_training]
    training = fresh[: count - EVALUATION_NAMES]
    return {
        "training": sorted(training),
        "evaluation": sorted(evaluation),
        "training_spelled": sorted(set(given) - kept - set(training)),
        "evaluation_spelled": sorted(evaluation_spelled),
        "family": sorted(set(name_list("family")) - kept),
    }


def choose_numbers() -> dict[str, list[str]]:
    """The numbers 000 to 999 by use."""
    numbers = [f"{number:03}" for number in range(1000)]
    kept = set(random.Random(SPLIT_SEED).sample(numbers, EVALUATION_NUMBERS))
    return {"training": [n for n in numbers if n not in kept], "evaluation": sorted(kept)}


def common_words(training_texts, count: int = 3000) -> list[str]:
    """The commonest words of the training's books in small letters, for kinds and values."""
    counts = Counter(word for text in training_texts for word in re.findall(r"\b[a-z]{4,9}\b", text))
    return sorted(word for word, _ in counts.most_common(count))
