"""The bench's cases in eager PyTorch on a CUDA card: products, prefill attention, and ReAttention's selection and decode step.

    python experiments/pytorch/bench.py [--json FILE]

Same shapes and storage types as `deno task bench`; one JSON row a line. The selection is the paper's algorithm written with
PyTorch's own operations: scores of all cached keys without positions, top-k, votes, clip, spans.
"""

import argparse
import json

import torch
import torch.nn.functional as functional

DEVICE = "cuda"


def seconds(run, repeats=7):
    """Median seconds of a call: warm-up, then as many calls between two events as take some milliseconds."""
    run()
    torch.cuda.synchronize()

    def timed(count):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(count):
            run()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end) / count / 1000

    count = max(1, min(200, int(0.02 / max(timed(1), 1e-6))))
    return sorted(timed(count) for _ in range(repeats))[repeats // 2]


def select(queries, keys, k, clip, span):
    """Marked tokens of the middle for one layer: queries [rows, heads, d], keys [kv heads, tokens, d]."""
    rows, heads, size = queries.shape
    groups, tokens, _ = keys.shape
    pairs = queries.reshape(rows, groups, heads // groups, size).permute(1, 0, 2, 3).reshape(groups, -1, size)
    picked = torch.matmul(pairs, keys.to(pairs.dtype).transpose(1, 2)).topk(k, dim=-1).indices.reshape(-1)
    votes = torch.bincount(picked, minlength=tokens)
    kept = votes.topk(min(clip, tokens)).indices
    kept = kept[votes[kept] > 0]
    offsets = torch.arange(-(span // 2), span - span // 2, device=keys.device)
    marked = torch.zeros(tokens, dtype=torch.bool, device=keys.device)
    marked[(kept[:, None] + offsets).clamp(0, tokens - 1).reshape(-1)] = True
    return marked.nonzero().squeeze(1)


def decode_step(query, keys, values, tables, first, window, k, clip, span):
    """One layer's ReAttention for one new token: select, gather, rotate by compact positions, attend."""
    heads, groups, tokens = query.shape[1], keys.shape[0], keys.shape[1]
    middle = select(query, keys[:, first : tokens - window], k, clip, span) + first
    index = torch.cat((tables["first"], middle, torch.arange(tokens - window, tokens, device=keys.device)))
    return attend(query, keys[:, index], values[:, index], tables, heads // groups)


def attend(query, keys, values, tables, share):
    """Attention of one row over keys and values [kv heads, tokens, d], turned by their places."""
    count = keys.shape[1]
    cos, sin = tables["cos"][:count], tables["sin"][:count]
    turned = turn(keys.float(), cos, sin).repeat_interleave(share, 0)
    row = turn(query.transpose(0, 1).float(), cos[-1:], sin[-1:])
    return functional.scaled_dot_product_attention(row, turned, values.float().repeat_interleave(share, 0))


def turn(x, cos, sin):
    low, high = x.chunk(2, -1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), -1)


def rotary(tokens, size):
    angles = torch.arange(tokens, device=DEVICE)[:, None] * 10000 ** (-torch.arange(0, size, 2, device=DEVICE) / size)
    return {"cos": angles.cos(), "sin": angles.sin(), "first": torch.arange(32, device=DEVICE)}


def rows():
    for tf32 in (False, True):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        name = f"PyTorch eager, TF32 {'on' if tf32 else 'off'}"
        for size in (1024, 4096):
            a, b = (torch.randn(size, size, device=DEVICE) for _ in range(2))
            yield "matmul", f"{size}x{size}x{size}", "f32", name, seconds(lambda: a @ b)
        queries = torch.randn(512, 8, 64, device=DEVICE)
        for tokens in (8192, 32768, 131072):
            keys = torch.randn(2, tokens, 64, device=DEVICE)
            shape = f"512x8/2x64x{tokens} k 4"
            yield "prefill selection", shape, "f32", name, seconds(lambda: select(queries, keys, 4, 64, 32))
    torch.backends.cuda.matmul.allow_tf32 = False
    name = "PyTorch eager, TF32 off"
    for depth, columns in ((2048, 2048), (2048, 8192), (8192, 2048), (4096, 14336)):
        for dtype, label in ((torch.float32, "f32"), (torch.float16, "f16")):
            a, b = torch.randn(1, depth, device=DEVICE, dtype=dtype), torch.randn(depth, columns, device=DEVICE, dtype=dtype)
            yield "decode matmul", f"1x{depth}x{columns}", label, name, seconds(lambda: a @ b)
    for tokens in (131072, 1048576, 4194304):
        keys, query = torch.randn(2, tokens, 64, device=DEVICE), torch.randn(1, 8, 64, device=DEVICE)
        yield "decode selection", f"1x8/2x64x{tokens} k 4", "f32", name, seconds(lambda: select(query, keys, 4, 64, 32))
    for size in (64, 128):
        for tokens in (512, 2048, 4096, 16384):
            q = torch.randn(1, 8, tokens, size, device=DEVICE)
            key, value = (torch.randn(1, 2, tokens, size, device=DEVICE).repeat_interleave(4, 1) for _ in range(2))
            run = lambda: functional.scaled_dot_product_attention(q, key, value, is_causal=True)
            yield "prefill attention", f"{tokens}x8/2x{size}", "f32", name, seconds(run)
    for tokens in (16384, 65536):
        keys, values = (torch.randn(8, tokens, 64, device=DEVICE, dtype=torch.float16) for _ in range(2))
        query, tables = torch.randn(1, 32, 64, device=DEVICE), rotary(tokens, 64)
        shape = f"1x32/8x64x{tokens}"
        step = lambda: decode_step(query, keys, values, tables, 32, 992, 4, 32, 32)
        yield "decode attention, reattention", shape, "f16", name, seconds(step)
        yield "decode attention, full", shape, "f16", name, seconds(lambda: attend(query, keys, values, tables, 4))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="also write the rows to this file")
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("bench.py: PyTorch finds no CUDA card here")
    card = f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}"
    print(card)
    found = []
    with torch.no_grad():
        for group, shape, dtype, implementation, took in rows():
            row = dict(group=group, shape=shape, dtype=dtype, implementation=implementation, milliseconds=1000 * took)
            found.append(row)
            print(json.dumps(row), flush=True)
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump({"card": card, "rows": found}, file, indent=1)


if __name__ == "__main__":
    main()
