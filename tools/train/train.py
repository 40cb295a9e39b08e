# A vocabulary enters; checkpoints of a small llama model trained on the stories leave.
#   python train.py vocab.json out.pt [minutes] [threads]
"""The model is written as the runtime will run it: RMSNorm, grouped-query attention, RoPE on adjacent pairs, SwiGLU,
tied embeddings. The learning rate follows the clock, so that a run fits the time it is given on any machine."""
import json
import math
import random
import sys
import time
from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

import stories
from spm_train import BOS, EOS, Tokenizer

CONTEXT = 512
TOKENS_A_STEP = 4096
HELD_OUT = 10_000_000  # seeds from here on are never trained on


@dataclass
class Config:
    vocab: int
    dim: int = 256
    layers: int = 5
    heads: int = 8
    kv_heads: int = 4
    ffn: int = 512
    rope_base: float = 10000.0
    epsilon: float = 1e-5


def rope_table(config, length):
    head_dim = config.dim // config.heads
    frequency = config.rope_base ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angle = torch.outer(torch.arange(length).float(), frequency)
    return angle.cos(), angle.sin()  # [length, head_dim / 2]


def rotate(x, cos, sin):
    """x: [batch, heads, length, head_dim]; the pairs are (0, 1), (2, 3), ..."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(x.dtype)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config, kv = c, c.dim // c.heads * c.kv_heads
        self.attn_norm, self.ffn_norm = nn.RMSNorm(c.dim, c.epsilon), nn.RMSNorm(c.dim, c.epsilon)
        self.attn_q, self.attn_output = nn.Linear(c.dim, c.dim, bias=False), nn.Linear(c.dim, c.dim, bias=False)
        self.attn_k, self.attn_v = nn.Linear(c.dim, kv, bias=False), nn.Linear(c.dim, kv, bias=False)
        self.ffn_gate, self.ffn_up = nn.Linear(c.dim, c.ffn, bias=False), nn.Linear(c.dim, c.ffn, bias=False)
        self.ffn_down = nn.Linear(c.ffn, c.dim, bias=False)

    def forward(self, x, cos, sin, causal):
        c, (batch, length, _) = self.config, x.shape
        y = self.attn_norm(x)
        split = lambda z, heads: z.view(batch, length, heads, -1).transpose(1, 2)
        q, k = rotate(split(self.attn_q(y), c.heads), cos, sin), rotate(split(self.attn_k(y), c.kv_heads), cos, sin)
        v = split(self.attn_v(y), c.kv_heads)
        k, v = (z.repeat_interleave(c.heads // c.kv_heads, 1) for z in (k, v))
        scores = q @ k.transpose(2, 3) * (c.dim // c.heads) ** -0.5 + causal
        y = F.softmax(scores, -1) @ v
        x = x + self.attn_output(y.transpose(1, 2).reshape(batch, length, c.dim))
        y = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(y)) * self.ffn_up(y))


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        self.token_embd = nn.Embedding(c.vocab, c.dim)
        self.blk = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.output_norm = nn.RMSNorm(c.dim, c.epsilon)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes_residual = "output" in name or "down" in name  # begins small, so that depth does not add up
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * c.layers) if writes_residual else
                                0.02 if "embd" in name else c.dim ** -0.5)
        self.rope = rope_table(c, CONTEXT)

    def forward(self, ids):  # [batch, length] -> [batch, length, vocab]
        cos, sin = (table[:ids.shape[1]] for table in self.rope)
        causal = torch.full((ids.shape[1],) * 2, -1e9).triu(1).bfloat16()
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x, cos, sin, causal)
        return F.linear(self.output_norm(x), self.token_embd.weight)


def sequence(tokenizer, seed):
    return [BOS] + tokenizer.encode(stories.story(seed)) + [EOS]


def batches(tokenizer, first_seed=0):
    """Fresh stories for ever: 2048 at a time, those of similar length together so that little is padding."""
    while True:
        pool = [sequence(tokenizer, seed) for seed in range(first_seed, first_seed + 2048)]
        first_seed += 2048
        groups, rest = [], sorted((s for s in pool if len(s) <= CONTEXT), key=len)
        while rest:
            width = len(rest[-1])
            count = max(1, TOKENS_A_STEP // width)
            groups.append(rest[-count:])
            rest = rest[:-count]
        random.Random(first_seed).shuffle(groups)
        for group in groups:
            width = math.ceil(len(group[-1]) / 16) * 16 + 1
            ids = torch.full((len(group), width), EOS)
            target = torch.full((len(group), width), -100)  # -100 is what cross_entropy ignores
            for row, s in enumerate(group):
                ids[row, :len(s)] = target[row, :len(s)] = torch.tensor(s)
            yield ids[:, :-1], target[:, 1:]


def loss_of(model, ids, target):
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(ids)
    return F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), ignore_index=-100)


def main(vocab_path, out_path, minutes, threads):
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    with open(vocab_path) as file:
        vocab = json.load(file)
    tokenizer = Tokenizer(vocab)
    model = Model(Config(vocab=len(vocab["pieces"])))
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    # Muon learns the hidden matrices from fewer stories than AdamW, which keeps the embedding and the norms.
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and "embd" not in name]
    others = [p for name, p in model.named_parameters() if p.dim() == 1 or "embd" in name]
    peak = 3e-3
    optimizers = [torch.optim.Muon(matrices, lr=peak, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
                  torch.optim.AdamW(others, lr=peak, betas=(0.9, 0.95), weight_decay=0.0, fused=True)]
    step_loss = torch.compile(loss_of, dynamic=True)  # fuses the element-wise work, a fifth faster
    held_out = [b for b, _ in zip(batches(tokenizer, HELD_OUT), range(8))]

    def checkpoint():
        torch.save({"config": asdict(model.config), "vocab": vocab, "weights": model.state_dict()}, out_path)
        with torch.no_grad():
            loss = sum(loss_of(model, *b).item() for b in held_out) / len(held_out)
        print(f"  held-out loss {loss:.4f} after {step} steps, {tokens / 1e6:.1f} M tokens", flush=True)

    start, tokens, saved = time.time(), 0, 0
    for step, (ids, target) in enumerate(batches(tokenizer)):
        done = (time.time() - start) / (60 * minutes)
        if done >= 1:
            break
        # a short warm-up, level until 40%, then down a half cosine to a fiftieth
        cosine = 0.5 + 0.5 * math.cos(math.pi * max(0, done - 0.4) / 0.6)
        rate = peak * min(1, (step + 1) / 100) * (0.02 + 0.98 * cosine)
        for group in (g for optimizer in optimizers for g in optimizer.param_groups):
            group["lr"] = rate
        loss = step_loss(model, ids, target)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        tokens += int((target >= 0).sum())
        if step % 50 == 0:
            speed = tokens / (time.time() - start)
            print(f"step {step}  {100 * done:.1f}%  loss {loss.item():.4f}  {speed:.0f} tok/s", flush=True)
        if done * minutes - saved >= 4:
            saved = done * minutes
            checkpoint()
    checkpoint()


if __name__ == "__main__":
    minutes, threads = sys.argv[3:] + ["40", "2"][len(sys.argv[3:]):]
    main(sys.argv[1], sys.argv[2], float(minutes), int(threads))
