"""The tokenizer: byte-level BPE learned from the training's books, with numbers and names as whole tokens."""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 8192
NUMBERS = 1000
NAMES = 1000
WORDING_WEIGHT = 2000
BEGIN = "<s>"
SPACE = "Ġ"  # what byte-level BPE writes for a blank

# Words and numbers with the blank before them; numbers in groups of three digits from the left.
PIECES = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def learn_pieces(training_texts, wordings: str) -> dict:
    """
    tokenizer.json as an object, with the pieces of words that the books teach and nothing else. The wordings of needles and
    questions count as often as common words do, so that each of their words is one token.
    """
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    bytes_of_pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_of_pieces])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 2 * NUMBERS - NAMES,
        special_tokens=[BEGIN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*training_texts, *[wordings] * WORDING_WEIGHT], trainer)
    return json.loads(tokenizer.to_str())


def add_whole_tokens(content: dict, names: list[str]) -> None:
    """
    Numbers as `482` and ` 482`, and names with the blank before them. They stand in the vocabulary without merges:
    `ignore_merges` takes a piece that is in the vocabulary as it is. Their ids come last, so that their rows of the
    embedding are one block.
    """
    vocabulary = content["model"]["vocab"]
    numbers = [f"{number:03}" for number in range(NUMBERS)]
    for whole in [*(SPACE + n for n in numbers), *numbers, *(SPACE + name for name in names)]:
        assert whole not in vocabulary, f"{whole} was learned from the books already"
        vocabulary[whole] = len(vocabulary)
    assert len(vocabulary) == VOCABULARY, f"{len(vocabulary)} tokens instead of {VOCABULARY}"
    content["model"]["ignore_merges"] = True
    begin = {"id": BEGIN, "type_id": 0}
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": begin}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"SpecialToken": begin}, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {BEGIN: {"id": BEGIN, "ids": [vocabulary[BEGIN]], "tokens": [BEGIN]}},
    }


def save_tokenizer(content: dict, path: Path) -> None:
    """Writes tokenizer.json on one line, and reads it back as a check."""
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    Tokenizer.from_file(str(path))
