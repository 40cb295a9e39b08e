"""Enters: the config of a jina-bert-v2 model. Leaves: its architecture as published, in plain float32 torch.

transformers has no class for it. Written from "Jina Embeddings 2" (arXiv 2310.19923) and "Train Short, Test Long" (arXiv
2108.12409): BERT whose positions are a symmetric linear bias of the scores, and whose feed-forward is gated by GELU, with each
norm after the sum. The names of the weights are those of the published files.
"""
import math

import torch
from torch import nn
from torch.nn import functional


def slopes(n_head):
    """Of the power of two below n_head; what is left over takes every second one of the power above."""
    def powers(n):
        return [2.0 ** (-8.0 * (i + 1) / n) for i in range(n)]
    below = 2 ** int(math.log2(n_head))
    return torch.tensor(powers(below) + powers(2 * below)[::2][:n_head - below])


class Names(nn.Module):
    def __init__(this, **parts):  # a part may be called self
        nn.Module.__init__(this)
        for name, part in parts.items():
            this.add_module(name, part)


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        dim, ffn, eps = c["hidden_size"], c["intermediate_size"], c["layer_norm_eps"]
        self.n_head = c["num_attention_heads"]
        self.attention = Names(
            self=Names(query=nn.Linear(dim, dim), key=nn.Linear(dim, dim), value=nn.Linear(dim, dim)),
            output=Names(dense=nn.Linear(dim, dim), LayerNorm=nn.LayerNorm(dim, eps)))
        self.mlp = Names(gated_layers=nn.Linear(dim, 2 * ffn, bias=False), wo=nn.Linear(ffn, dim), layernorm=nn.LayerNorm(dim, eps))

    def attend(self, x):
        projections = getattr(self.attention, "self")
        n, dim = x.shape
        q, k, v = (p(x).view(n, self.n_head, -1).transpose(0, 1) for p in (projections.query, projections.key, projections.value))
        far = (torch.arange(n)[:, None] - torch.arange(n)[None, :]).abs()
        scores = q @ k.transpose(1, 2) / math.sqrt(dim // self.n_head) - slopes(self.n_head).to(x.dtype)[:, None, None] * far
        return (scores.softmax(-1) @ v).transpose(0, 1).reshape(n, dim)

    def forward(self, x):
        output = self.attention.output
        x = output.LayerNorm(output.dense(self.attend(x)) + x)
        gate, up = self.mlp.gated_layers(x).chunk(2, -1)
        return self.mlp.layernorm(self.mlp.wo(functional.gelu(gate) * up) + x)


class JinaBert(nn.Module):
    def __init__(self, c):
        super().__init__()
        dim = c["hidden_size"]
        self.embeddings = Names(
            word_embeddings=nn.Embedding(c["vocab_size"], dim), token_type_embeddings=nn.Embedding(c["type_vocab_size"], dim),
            LayerNorm=nn.LayerNorm(dim, c["layer_norm_eps"]))
        self.encoder = Names(layer=nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"])))
        self.pooler = Names(dense=nn.Linear(dim, dim))  # in the files, but no part of an embedding

    def forward(self, ids):
        e = self.embeddings
        x = e.LayerNorm(e.word_embeddings(ids) + e.token_type_embeddings.weight[0])
        for layer in self.encoder.layer:
            x = layer(x)
        return x
