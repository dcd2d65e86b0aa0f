"""
Computes with PyTorch, in f32, what the embedded model expects after each token of a context with a question, and writes
it for the test that compares it with this toolkit's own engine.

    python experiments/demo_model/cross_check.py --model lib/model/demo --out tests/model/demo_reference.json
"""

import argparse
import gzip
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from model import PARTS, Model, Shape
from prepare import EVALUATION
from train import NAMES

PROMPT = " Question: What is the door code of Zena? Answer:"
NEEDLE = " The door code of Zena is 482 913."
WRITTEN = 12


def load(folder: Path) -> Model:
    """The exported checkpoint in the training's own model."""
    config = json.loads((folder / "config.json").read_text())
    shape = Shape(layers=config["num_hidden_layers"], feed_forward=config["intermediate_size"])
    model = Model(shape, NAMES)
    weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    table = weights.pop("model.embed_tokens.weight")
    state = {"embedding": table[: -shape.fixed], "fixed": table[-shape.fixed :], "norm.weight": weights.pop("model.norm.weight")}
    for name, tensor in weights.items():
        parts = name.removeprefix("model.").split(".")
        state[".".join(part for part in parts if part + "." not in PARTS.values())] = tensor
    model.load_state_dict(state)
    return model.eval()


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = load(options.model)
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    book = gzip.decompress((EVALUATION / "books" / "persuasion.txt.gz").read_bytes()).decode("utf-8")
    # Cut at the ends of sentences, so that the pieces' tokens are the whole text's.
    first, second, third, *_ = book.split("\n")
    text = first + NEEDLE + " " + second[:400].rsplit(".", 1)[0] + "." + PROMPT
    tokens = tokenizer.encode(text).ids
    logits = (model.hidden(torch.tensor([tokens])) @ model.table().t())[0]
    written = list(tokens)
    for _ in range(WRITTEN):
        written.append(int((model.hidden(torch.tensor([written]))[0, -1] @ model.table().t()).argmax()))
    record = {
        "text": text,
        "tokens": tokens,
        "likeliest": logits.argmax(-1).tolist(),
        "last": [round(value, 5) for value in logits[-1].tolist()],
        "written": written[len(tokens) :],
    }
    options.out.write_text(json.dumps(record) + "\n")
    print(f"{len(tokens)} tokens; continues: {tokenizer.decode(record['written'])}")


if __name__ == "__main__":
    main()
