"""The model: a Llama decoder with tied embeddings, as Hugging Face's LlamaForCausalLM computes it."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn


@dataclass
class Shape:
    """The model's sizes."""

    layers: int = 4
    width: int = 256
    heads: int = 8
    kv_heads: int = 4
    feed_forward: int = 704
    context: int = 512
    vocabulary: int = 8192
    # Rows of the embedding, at its end, that stay as they were drawn.
    fixed: int = 3000
    rope_base: float = 10_000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        return self.width // self.heads


def rotary_tables(shape: Shape) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines `[context, head_width]` of the positions 0 to context - 1."""
    exponents = torch.arange(0, shape.head_width, 2, dtype=torch.float64) / shape.head_width
    angles = torch.outer(torch.arange(shape.context, dtype=torch.float64), shape.rope_base**-exponents)
    both = torch.cat([angles, angles], dim=-1)
    return both.cos().float(), both.sin().float()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary position embedding, first half of the channels against the second."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        inner, outer = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
        self.input_layernorm = nn.RMSNorm(shape.width, shape.epsilon)
        self.q_proj = nn.Linear(shape.width, inner, bias=False)
        self.k_proj = nn.Linear(shape.width, outer, bias=False)
        self.v_proj = nn.Linear(shape.width, outer, bias=False)
        self.o_proj = nn.Linear(inner, shape.width, bias=False)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, shape.epsilon)
        self.gate_proj = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down_proj = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        normed = self.input_layernorm(x)
        split = lambda y: y.view(batch, length, -1, self.shape.head_width).transpose(1, 2)
        query, key, value = (split(project(normed)) for project in (self.q_proj, self.k_proj, self.v_proj))
        query, key = rotate(query, cos, sin).to(value.dtype), rotate(key, cos, sin).to(value.dtype)
        # Every token attends to every earlier one: plain full attention, in training as in the paper's base models.
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        x = x + self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))
        normed = self.post_attention_layernorm(x)
        return x + self.down_proj(F.silu(self.gate_proj(normed)) * self.up_proj(normed))


class Model(nn.Module):
    """
    The rows of numbers and names in the embedding are fixed: random, of length one, half of it shared by all numbers (or
    all names). A number or name that training never saw is then no different from one that it saw; only copying can
    learn to tell them apart.
    """

    def __init__(self, shape: Shape, names: int):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.randn(shape.vocabulary - shape.fixed, shape.width) / shape.width**0.5)
        groups = [fixed_rows(shape.fixed - names, shape.width), fixed_rows(names, shape.width)]
        self.register_buffer("fixed", torch.cat(groups))
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.epsilon)
        cos, sin = rotary_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, weight in self.layers.named_parameters():
            if weight.ndim == 2:
                output = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if output else 0.02)

    def table(self) -> torch.Tensor:
        """The embedding, which is the output's matrix too."""
        return torch.cat([self.embedding, self.fixed])

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """The last layer's output for tokens `[batch, length]`, at the positions 0 to length - 1."""
        x = F.embedding(tokens, self.table())
        cos, sin = self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)

    def forward(self, tokens: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Logits `[batch, count, vocabulary]` at `places [batch, count]`."""
        hidden = self.hidden(tokens)
        picked = hidden.gather(1, places.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
        return picked @ self.table().t().to(picked.dtype)


def fixed_rows(count: int, width: int) -> torch.Tensor:
    """Random rows of length one with a part in common."""
    common = F.normalize(torch.randn(1, width), dim=-1)
    return F.normalize(0.5 * common + F.normalize(torch.randn(count, width), dim=-1), dim=-1)


# Where Hugging Face's Llama has a projection.
PARTS = {f"{name}_proj": "self_attn." for name in "qkvo"} | {f"{name}_proj": "mlp." for name in ("gate", "up", "down")}


def export(model: Model, folder: Path) -> None:
    """Writes config.json and model.safetensors (f16) as Hugging Face's Llama has them."""
    shape = model.shape
    tensors = {"model.embed_tokens.weight": model.table(), "model.norm.weight": model.norm.weight}
    for index, layer in enumerate(model.layers):
        for name, weight in layer.named_parameters():
            tensors[f"model.layers.{index}.{PARTS.get(name.split('.')[0], '')}{name}"] = weight
    halves = {name: tensor.detach().half().cpu().contiguous() for name, tensor in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "bos_token_id": 0,
        "dtype": "float16",
        "eos_token_id": None,
        "head_dim": shape.head_width,
        "hidden_act": "silu",
        "hidden_size": shape.width,
        "initializer_range": 0.02,
        "intermediate_size": shape.feed_forward,
        "max_position_embeddings": shape.context,
        "mlp_bias": False,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "rms_norm_eps": shape.epsilon,
        "rope_parameters": {"rope_theta": shape.rope_base, "rope_type": "default"},
        "tie_word_embeddings": True,
        "vocab_size": shape.vocabulary,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
