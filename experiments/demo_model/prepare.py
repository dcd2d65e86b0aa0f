"""
Makes what training reads, in results/demo_model: the tokenizer, the tokens of the training's books and the split of names
and numbers; and what evaluation reads, in lib/evaluation: the evaluation's books, names and numbers.

    python experiments/demo_model/prepare.py
"""

import gzip
import json
import textwrap
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from forms import all_wordings
from make_tokenizer import NAMES, SPACE, add_whole_tokens, learn_pieces, save_tokenizer
from sources import evaluation_books, training_books
from words import choose_names, choose_numbers, common_words

HERE = Path(__file__).parent
WORK = HERE.parent.parent / "results" / "demo_model"
EVALUATION = HERE.parent.parent / "lib" / "evaluation" / "needle"


def in_lines(text: str) -> str:
    """The text in lines of at most 72 characters with empty lines between paragraphs, as text files are written."""
    return "\n\n".join(textwrap.fill(paragraph, 72) for paragraph in text.splitlines()) + "\n"


def write_held_out(names: dict[str, list[str]], numbers: dict[str, list[str]]) -> None:
    """lib/evaluation/needle/held_out.ts: the names and numbers that training never sees."""
    lists = {
        "heldOutNames": ("Given names that are whole tokens of the embedded model", names["evaluation"]),
        "heldOutFamilyNames": ("Names that are several tokens of the embedded model", names["evaluation_spelled"]),
        "heldOutNumbers": ("Numbers of three digits, whole tokens of the embedded model", numbers["evaluation"]),
    }
    parts = ["// Written by experiments/demo_model/prepare.py; do not edit.\n"]
    for name, (what, values) in lists.items():
        lines = textwrap.fill(" ".join(values), 110, break_on_hyphens=False).splitlines()
        text = "\n".join(f'  "{line}{"" if line is lines[-1] else " "}"{"," if len(lines) == 1 else " +" if line is not lines[-1] else ""}' for line in lines)
        parts.append(f"/** {what}; its training saw none of them. */\nexport const {name}: readonly string[] = (\n{text}\n).split(\" \");\n")
    (EVALUATION / "held_out.ts").write_text("\n".join(parts))


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    training, evaluation = training_books(WORK), evaluation_books(WORK)
    content = learn_pieces(training.values(), all_wordings())
    pieces = {piece.removeprefix(SPACE) for piece in content["model"]["vocab"]}
    names = choose_names(NAMES, training.values(), evaluation.values(), pieces)
    numbers = choose_numbers()
    add_whole_tokens(content, sorted(names["training"] + names["evaluation"]))
    save_tokenizer(content, WORK / "tokenizer.json")
    (WORK / "words.json").write_text(json.dumps({"names": names, "numbers": numbers, "common": common_words(training.values())}))
    write_held_out(names, numbers)
    tokenizer = Tokenizer.from_file(str(WORK / "tokenizer.json"))
    for name, text in training.items():
        for version, written in {name: text, f"{name}-lines": in_lines(text)}.items():
            tokens = np.array(tokenizer.encode(written, add_special_tokens=False).ids, dtype=np.uint16)
            np.save(WORK / f"{version}.npy", tokens)
            print(f"training {version}: {len(written):,} characters, {len(tokens):,} tokens")
    books = EVALUATION / "books"
    books.mkdir(parents=True, exist_ok=True)
    for name, text in evaluation.items():
        # No time stamp: the same text gives the same file.
        (books / f"{name}.txt.gz").write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))
        print(f"evaluation {name}: {len(text):,} characters, {len(tokenizer.encode(text).ids):,} tokens")


if __name__ == "__main__":
    main()
