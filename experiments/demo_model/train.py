"""
Trains the embedded model, at context 128 and then at 512, with plain full attention, and writes it with its log.

    python experiments/demo_model/train.py --seed 1 --out results/demo_model/seed1
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, IterableDataset

from generator import ANSWER, FAMILIES, PROSE, VALUE, Generator
from model import Model, Shape, export

WORK = Path(__file__).parent.parent.parent / "results" / "demo_model"
# Each book as paragraphs, and broken into lines.
BOOKS = ["sotu", "moby-dick", "bible"]
NAMES = 1000
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Phase:
    """A stretch of the training: context, sequences a batch, shares of the families."""

    def __init__(self, until: float, context: int, batch: int, answers: int, prose: int, **mix: float):
        self.until, self.context, self.batch, self.mix = until, context, batch, mix
        # Places a sequence whose loss is taken: at most so many answer tokens, and so many of the prose.
        self.answers, self.prose = answers, prose


PHASES = [
    Phase(0.15, 128, 384, 40, 16, plain=0.5, spoken=0.4, chain=0.1),
    Phase(1.0, 512, 96, 72, 64, plain=0.08, spoken=0.27, alike=0.35, chain=0.15, direct=0.15),
]


class Batches(IterableDataset):
    """Endless batches: tokens, the places whose next token counts, and that token's role."""

    def __init__(self, phase: Phase, seed: int, ordered: bool = False):
        self.phase, self.seed, self.ordered = phase, seed, ordered

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        seed = self.seed * 1000 + (worker.id if worker else 0)
        generator = Generator(WORK, "training", seed, BOOKS, self.ordered)
        random = np.random.default_rng(seed)
        while True:
            yield places_of(*generator.batch(self.phase.batch, self.phase.context, self.phase.mix), self.phase, random)


def places_of(tokens, roles, phase: Phase, random):
    """Picks the places: all answer tokens as far as there is room, and prose at random; role PROSE fills up."""
    count, context = tokens.shape
    places = random.integers(0, context - 1, (count, phase.answers + phase.prose))
    kinds = np.full(places.shape, 255, dtype=np.int64)
    next_roles = roles[:, 1:]
    for row in range(count):
        answers = np.flatnonzero(next_roles[row] >= ANSWER)[: phase.answers]
        places[row, : len(answers)] = answers
        kinds[row, : len(answers)] = next_roles[row, answers]
        prose = places[row, phase.answers :]
        kinds[row, phase.answers :] = np.where(next_roles[row, prose] == PROSE, PROSE, 255)
    targets = np.take_along_axis(tokens, places + 1, axis=1)
    return tuple(torch.from_numpy(part) for part in (tokens, places, targets, kinds))


def losses(logits, targets, kinds):
    """0.2 x mean over prose + mean over answer tokens + mean over the tokens of values."""
    each = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
    mean = lambda mask: (each * mask).sum() / mask.sum().clamp(min=1)
    prose, answers, values = mean(kinds == PROSE), mean((kinds == ANSWER) | (kinds == VALUE)), mean(kinds == VALUE)
    return 0.2 * prose + answers + values, prose, answers, values


class Measure:
    """Share of the values' tokens that come out right, by family, the answer so far being given."""

    def __init__(self, split: str, seed: int, count: int, ordered: bool = False):
        self.batches = {}
        for family in FAMILIES:
            phase = Phase(1, 512, count, 72, 1, **{family: 1.0})
            generator = Generator(WORK, split, seed, BOOKS, ordered)
            random = np.random.default_rng(seed)
            self.batches[family] = places_of(*generator.batch(count, 512, phase.mix), phase, random)

    @torch.no_grad()
    def __call__(self, model) -> dict[str, float]:
        return {family: round(self.right(model, *batch), 4) for family, batch in self.batches.items()}

    def right(self, model, tokens, places, targets, kinds) -> float:
        with torch.autocast(DEVICE, torch.bfloat16):
            best = torch.cat([model(*pair).argmax(-1).cpu() for pair in zip(
                tokens.to(DEVICE).split(96), places.to(DEVICE).split(96))])
        return (best == targets)[kinds == VALUE].float().mean().item()


def optimizer_of(model: Model, rate: float):
    """AdamW; matrices decay, norms and the embedding don't."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and name != "embedding"]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or name == "embedding"]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)


def rate_at(step: int, steps: int, peak: float, warm_up: int = 200) -> float:
    """Linear warm-up, then a cosine down to a twentieth."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    share = (step - warm_up) / max(1, steps - warm_up)
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


def with_direct(mix: dict[str, float], share: float) -> dict[str, float]:
    """The mix with another share of chains that are answered at once; the others keep their proportions."""
    others = {family: part for family, part in mix.items() if family != "direct"}
    total = sum(others.values())
    return {family: part * (1 - share) / total for family, part in others.items()} | {"direct": share}


def train(options) -> None:
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    options.out.mkdir(parents=True, exist_ok=True)
    shape = Shape(layers=options.layers, feed_forward=options.feed_forward)
    model = Model(shape, NAMES).to(DEVICE)
    measures = {split: Measure(split, 1, 96, options.ordered) for split in ("training", "evaluation")}
    if options.direct is not None:
        PHASES[-1].mix = with_direct(PHASES[-1].mix, options.direct)

    @torch.compile(dynamic=False)
    def compiled(tokens, places, targets, kinds):
        return losses(model(tokens, places), targets, kinds)

    optimizer = optimizer_of(model, options.rate)
    with open(options.out / "log.jsonl", "w") as log:
        tell = lambda **line: print(json.dumps(line), file=log, flush=True) or print(json.dumps(line), flush=True)
        weights = sum(p.numel() for p in model.parameters()) + model.fixed.numel()
        tell(seed=options.seed, steps=options.steps, shape=vars(shape), weights=weights, books=BOOKS,
             attention="causal, every earlier token", torch=torch.__version__, device=torch.cuda.get_device_name() if DEVICE == "cuda" else DEVICE,
             phases=[vars(phase) for phase in PHASES], rate=options.rate, ordered=options.ordered)
        step, start = 0, time.time()
        for phase in PHASES:
            phase.batch = max(1, round(phase.batch * options.batch))
            last = round(phase.until * options.steps)
            loader = DataLoader(Batches(phase, options.seed, options.ordered), batch_size=None, num_workers=options.workers,
                                pin_memory=True, prefetch_factor=8)
            for batch in loader:
                tokens, places, targets, kinds = (part.to(DEVICE, non_blocking=True) for part in batch)
                for group in optimizer.param_groups:
                    group["lr"] = rate_at(step, options.steps, options.rate)
                with torch.autocast(DEVICE, torch.bfloat16):
                    loss, *parts = compiled(tokens, places, targets, kinds)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                step += 1
                if step % 200 == 0:
                    prose, answers, values = (round(part.item(), 4) for part in parts)
                    tell(step=step, seconds=round(time.time() - start, 1), positions=[0, tokens.shape[1] - 1],
                         prose=prose, answers=answers, values=values,
                         right=measures["evaluation"](model) if step % 400 == 0 else None)
                    if options.seconds and time.time() - start > options.seconds:
                        break
                if step >= last:
                    break
            del loader
        final = {split: measure(model) for split, measure in measures.items()}
        tell(step=step, seconds=round(time.time() - start, 1), final=final)
    export(model, options.out)
    (options.out / "tokenizer.json").write_text((WORK / "tokenizer.json").read_text("utf-8"), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=16_000)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--feed-forward", type=int, default=704)
    parser.add_argument("--direct", type=float, help="share of chains answered at once, in the second phase")
    parser.add_argument("--ordered", action="store_true", help="lines of a chain in a program's order, the number's first")
    parser.add_argument("--workers", type=int, default=8, help="processes that make the sequences; training waits for them")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long; 0: never")
    parser.add_argument("--batch", type=float, default=1, help="share of the batch, for a quick look")
    parser.add_argument("--out", type=Path, required=True)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
