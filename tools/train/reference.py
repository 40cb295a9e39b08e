# A GGUF file enters; sampled stories, or its held-out perplexity, leave: a plain numpy reader and forward pass.
#   python reference.py model.gguf tell [temperature] [seed] [prompt]
#   python reference.py model.gguf perplexity [stories]
"""Reads only the exported file, so that what is measured is what is shipped: weights are Q8_0 widened to float32."""
import struct
import sys

import numpy as np

from spm_train import BOS, EOS, Tokenizer

SCALARS = {4: "I", 5: "i", 6: "f", 7: "?"}


class Gguf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.raw = file.read()
        self.at = 0
        magic, version, tensor_count, key_count = self.take("4sIQQ")
        assert magic == b"GGUF" and version == 3
        self.keys = {self.string(): self.value(self.take("I")[0]) for _ in range(key_count)}
        entry = lambda: (self.string(), self.take("%dQ" % self.take("I")[0]), *self.take("IQ"))
        directory = [entry() for _ in range(tensor_count)]
        data = -(-self.at // 32) * 32  # the table's end, rounded up to the alignment
        self.tensors = {name: self.tensor(dims[::-1], kind, data + offset) for name, dims, kind, offset in directory}

    def take(self, form):
        values = struct.unpack_from("<" + form, self.raw, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def string(self):
        return self.take("%ds" % self.take("Q")[0])[0].decode()

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind == 9:
            kind, count = self.take("IQ")
            return [self.value(kind) for _ in range(count)]
        return self.take(SCALARS[kind])[0]

    def tensor(self, shape, kind, at):
        count = int(np.prod(shape))
        if kind == 0:
            return np.frombuffer(self.raw, "<f4", count, at).reshape(shape)
        blocks = np.frombuffer(self.raw, np.uint8, count // 32 * 34, at).reshape(-1, 34)
        scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
        return (scale * blocks[:, 2:].view(np.int8)).reshape(shape)


class Reference:
    def __init__(self, path):
        gguf = Gguf(path)
        self.w, k = gguf.tensors, gguf.keys
        self.layers, self.dim, self.context = (k["llama." + n] for n in ("block_count", "embedding_length", "context_length"))
        self.heads, self.kv_heads = k["llama.attention.head_count"], k["llama.attention.head_count_kv"]
        self.epsilon, self.head_dim = k["llama.attention.layer_norm_rms_epsilon"], self.dim // self.heads
        frequency = k["llama.rope.freq_base"] ** (-np.arange(0, self.head_dim, 2) / self.head_dim)
        angle = np.outer(np.arange(self.context), frequency)
        self.cos, self.sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        fields = {"pieces": "tokens", "scores": "scores", "types": "token_type"}
        self.tokenizer = Tokenizer({name: k["tokenizer.ggml." + key] for name, key in fields.items()})
        self.forget()

    def forget(self):
        self.keys, self.values, self.position = [[] for _ in range(self.layers)], [[] for _ in range(self.layers)], 0

    def norm(self, x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * self.w[name + ".weight"]

    def rotate(self, x, start):  # [length, heads, head_dim], pairs are adjacent
        cos, sin = (t[start:start + len(x), None] for t in (self.cos, self.sin))
        even, odd = x[..., 0::2], x[..., 1::2]
        return np.stack((even * cos - odd * sin, even * sin + odd * cos), -1).reshape(x.shape)

    def forward(self, ids):
        """Ids after those already seen -> logits [length, vocab]."""
        start, length = self.position, len(ids)
        self.position += length
        hidden = np.arange(start + length)[None, :] > np.arange(start, start + length)[:, None]
        x = self.w["token_embd.weight"][ids]
        for layer in range(self.layers):
            weight = lambda name: self.w[f"blk.{layer}.{name}.weight"].T
            split = lambda z, heads: z.reshape(length, heads, self.head_dim)
            y = self.norm(x, f"blk.{layer}.attn_norm")
            q = self.rotate(split(y @ weight("attn_q"), self.heads), start)
            self.keys[layer].append(self.rotate(split(y @ weight("attn_k"), self.kv_heads), start))
            self.values[layer].append(split(y @ weight("attn_v"), self.kv_heads))
            group = self.heads // self.kv_heads
            k, v = (np.repeat(np.concatenate(past[layer]), group, 1) for past in (self.keys, self.values))
            scores = q.transpose(1, 0, 2) @ k.transpose(1, 2, 0) / np.sqrt(np.float32(self.head_dim))
            scores[:, hidden] = -np.inf
            p = np.exp(scores - scores.max(-1, keepdims=True))
            y = (p / p.sum(-1, keepdims=True)) @ v.transpose(1, 0, 2)
            x = x + y.transpose(1, 0, 2).reshape(length, self.dim) @ weight("attn_output")
            y = self.norm(x, f"blk.{layer}.ffn_norm")
            gate = y @ weight("ffn_gate")
            x = x + (gate / (1 + np.exp(-gate)) * (y @ weight("ffn_up"))) @ weight("ffn_down")
        return self.norm(x, "output_norm") @ self.w["token_embd.weight"].T

    def tell(self, prompt="", temperature=0.0, seed=0):
        """Text, its ids, and whether the model ended it by itself."""
        self.forget()
        random = np.random.default_rng(seed)
        ids = [BOS] + (self.tokenizer.encode(prompt) if prompt else [])
        fresh = ids
        while len(ids) < self.context:
            logits = self.forward(fresh)[-1].astype(np.float64)
            if temperature == 0:
                token = int(logits.argmax())
            else:
                p = np.exp((logits - logits.max()) / temperature)
                token = int(random.choice(len(p), p=p / p.sum()))
            if token == EOS:
                return self.tokenizer.decode(ids), ids, True
            fresh = [token]
            ids = ids + fresh
        return self.tokenizer.decode(ids), ids, False

    def perplexity(self, count):
        """Held-out stories, <s> given, </s> to be predicted."""
        import stories
        from train import HELD_OUT
        nats = tokens = characters = words = 0
        for seed in range(HELD_OUT, HELD_OUT + count):
            text = stories.story(seed)
            ids = [BOS] + self.tokenizer.encode(text) + [EOS]
            if len(ids) > self.context:
                continue
            self.forget()
            logits = self.forward(ids[:-1]).astype(np.float64)
            logits -= logits.max(-1, keepdims=True)
            nats += (np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(ids) - 1), ids[1:]]).sum()
            tokens, characters, words = tokens + len(ids) - 1, characters + len(text), words + len(text.split())
        return nats, tokens, words, characters


if __name__ == "__main__":
    model, rest = Reference(sys.argv[1]), sys.argv[3:]
    if sys.argv[2] == "tell":
        temperature, seed, prompt = rest + ["0", "0", ""][len(rest):]
        text, ids, ended = model.tell(prompt, float(temperature), int(seed))
        print(text, f"\n[{len(ids)} tokens, {'ended by itself' if ended else 'cut'}]")
    else:
        nats, tokens, words, characters = model.perplexity(int((rest + ["500"])[0]))
        for unit, count in (("token", tokens), ("word", words), ("character", characters)):
            print(f"{count} {unit}s: perplexity {np.exp(nats / count):.4f}, {nats / count / np.log(2):.4f} bits a {unit}")
