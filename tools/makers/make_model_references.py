#!/usr/bin/env python3
"""Enters: a folder and names of families (all without). Leaves: for each family FOLDER/NAME/ with hf/, the smallest model of
the family as its publishers would store it; golden.json; and what transformers computes with it in float32: logits.npy
[n, vocab], or token_outputs.npy [n, dim] and embedding.npy [dim] (pooled, then normalised) of an embedding model.

    pip install torch transformers numpy && tools/makers/make_model_references.py tests/golden/models [NAME …]

Weights are drawn from a seed and rounded to BF16, which is how they are stored; the maths upcasts them. Seeds are tried until
the greedy continuation of 32 tokens is clear: at each step the best logit leads by 1% of the logits' range. So a sum done in
another order changes no token, and float64 must agree with float32. The reference is computed from the stored file, read back
by from_pretrained: names and shapes that transformers would not take from a publisher end the run.
"""
import json
import pathlib
import sys

import numpy
import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from jina_reference import JinaBert
from reference_families import FAMILIES
from tiny_tokenizers import tokenizer_config, tokenizer_of

EAGER = {"attn_implementation": "eager", "experts_implementation": "eager"}
N_GREEDY, MARGIN, PROMPTS_A_MODEL = 32, 0.01, 150


def is_jina(family):
    return family.config.get("feed_forward_type") == "geglu"


def is_tied(family):
    return family.config.get("tie_word_embeddings", True)


def empty_model(family):
    """In the shape that transformers gives it, float32, without MXFP4."""
    if is_jina(family):
        return JinaBert(family.config).eval()
    config = dict(family.build or family.config)
    config.pop("quantization_config", None)
    config = AutoConfig.for_model(**config)
    kind = AutoModel if family.pooling else AutoModelForCausalLM
    return kind.from_config(config, dtype=torch.float32, **EAGER).eval()


def spread(name, shape, family):
    """Mean and standard deviation of a weight: chosen so that every part of a layer is felt in the logits."""
    leaf = name.rsplit(".", 2)[-2:]
    if "norm" in name.lower() or "emb_ln" in name or ".ln" in name:
        if leaf[-1] == "bias":
            return 0.0, 0.2
        offset = -1.0 if family.config["model_type"].startswith("gemma") else 0.0
        if name == "model.norm.weight" and is_tied(family):  # either sign: else the best next token is the token itself
            return offset, 1.0
        clamped = "post_attention_layernorm" in name and family.config["model_type"] == "gpt_oss"
        return offset + (2.0 if clamped else 1.0), 0.2
    if leaf[-1] == "sinks":
        return 0.5, 1.0
    if "e_score_correction_bias" in name:
        return 0.0, 0.15
    if leaf[-1] == "bias" or leaf[-1].endswith("_bias"):
        return 0.0, 0.25
    if "embed" in name:
        return 0.0, 0.25 if is_tied(family) else 1.0
    fan_in = shape[-1]
    gain = 2.0 if any(part in name for part in ("router", "gate.weight")) else 1.5
    return 0.0, gain / fan_in ** 0.5


def fill(model, family, seed):
    g = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(model.state_dict(keep_vars=False).items()):
        if not tensor.is_floating_point() or "inv_freq" in name:
            continue
        mean, deviation = spread(name, tensor.shape, family)
        values = mean + deviation * torch.randn(tensor.shape, generator=g)
        if name.endswith(("embed_tokens.weight", "lm_head.weight")):  # rows of unlike length: the best logit leads clearly
            values *= torch.exp(0.5 * torch.randn(len(values), 1, generator=g))
        tensor.copy_(values.bfloat16().float())
    if getattr(model, "tie_weights", None):
        model.tie_weights()


def pack_experts(model, seed):
    """Random MXFP4 blocks in the place of the experts' weights, as published: {name: uint8 tensor}; the model gets their values."""
    g = torch.Generator().manual_seed(seed + 1)
    packed = {}
    for name, weight in model.named_parameters():
        if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            continue
        n_expert, n_in, n_out = weight.shape
        blocks = torch.randint(0, 256, (n_expert, n_out, n_in // 32, 16), generator=g, dtype=torch.uint8)
        scales = torch.randint(121, 125, (n_expert, n_out, n_in // 32), generator=g, dtype=torch.uint8)
        weight.data.copy_(convert_moe_packed_tensors(blocks, scales, dtype=torch.float32))
        packed[name + "_blocks"], packed[name + "_scales"] = blocks, scales
    return packed


def published_names(folder, family, packed):
    """What save_pretrained leaves to do for the stored file to look like a published one."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    for name in [n for n in packed if n.endswith("_blocks")]:
        del weights[name.removesuffix("_blocks")]
    weights.update(packed)
    for name in weights:
        if "e_score_correction_bias" in name:
            weights[name] = weights[name].float()
    save_file(weights, path, metadata={"format": "pt"})
    path.chmod(0o644)


def store(model, family, folder, packed):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.is_file():
            old.unlink()
    if is_jina(family):
        save_file({n: w.bfloat16().contiguous() for n, w in model.state_dict().items()}, folder / "model.safetensors")
    else:
        model.bfloat16().save_pretrained(folder)
        model.float()
    published_names(folder, family, packed)
    write_json(folder / "config.json", family.config)
    kind = family.tokenizer
    (folder / "tokenizer.json").write_text(tokenizer_of(kind).to_str(pretty=False))
    n_ctx = family.config.get("max_position_embeddings", family.config.get("n_positions"))
    write_json(folder / "tokenizer_config.json", tokenizer_config(kind, n_ctx))
    if family.pooling:
        write_pooling(folder, family)
    else:
        ids = {key: family.config[key] for key in ("bos_token_id", "eos_token_id")}
        write_json(folder / "generation_config.json", {"_from_model_config": True, **ids})


def write_pooling(folder, family):
    """As sentence-transformers stores it."""
    steps = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    (folder / "modules.json").write_text(json.dumps(
        [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
         for i, (path, kind) in enumerate(steps)]) + "\n")
    modes = {"cls": "cls_token", "mean": "mean_tokens", "last": "lasttoken"}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    dim = family.config.get("hidden_size", family.config.get("n_embd"))
    write_json(folder / "1_Pooling/config.json", {"word_embedding_dimension": dim, **{
        f"pooling_mode_{mode}": family.pooling == name for name, mode in modes.items()}})


def write_json(path, value):
    """A line a key."""
    lines = [f" {json.dumps(key)}: {json.dumps(part, ensure_ascii=False)}" for key, part in value.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read_back(family, folder, packed, dtype):
    """The model of the stored file."""
    if is_jina(family):
        model = JinaBert(family.config).eval()
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model.to(dtype)
    kind = AutoModel if family.pooling else AutoModelForCausalLM
    state = {}
    config = None
    if family.build:
        config = AutoConfig.for_model(**family.build)
    if packed:
        state["quantization_config"] = transformers.Mxfp4Config(dequantize=True)
    model, info = kind.from_pretrained(folder, config=config, dtype=torch.float32, output_loading_info=True,
                                       **EAGER, **state)
    wrong = {key: names for key, names in info.items() if names and key != "error_msgs"}
    if wrong:
        sys.exit(f"{folder}: transformers does not read this file as it was written: {wrong}")
    return model.eval().to(dtype)


@torch.no_grad()
def run(model, ids):
    ids = torch.tensor(ids)
    if isinstance(model, JinaBert):
        return model(ids)
    if hasattr(model, "lm_head"):
        return model(input_ids=ids[None], use_cache=False).logits[0]
    return model(input_ids=ids[None]).last_hidden_state[0]


def greedy_of(model, ids, forbidden):
    """(tokens, margins, logits of the prompt), or None where a step is not clear or ends the text."""
    logits = run(model, ids)
    first, smallest = logits, (logits.max() - logits.min()).item() * MARGIN
    tokens, margins = [], []
    while len(tokens) < N_GREEDY:
        best = logits[-1].topk(2)
        margin = (best.values[0] - best.values[1]).item()
        if margin < smallest or best.indices[0].item() in forbidden:
            return None
        tokens.append(best.indices[0].item())
        margins.append(margin)
        logits = run(model, ids + tokens)
    return (tokens, margins, first) if len(set(tokens)) >= 4 else None


def prompt_of(family, seed):
    rng = numpy.random.default_rng(seed)
    if family.tokenizer == "wordpiece":
        return [2, *rng.integers(5, 280, family.n_tokens - 2).tolist(), 3]
    body = rng.integers(0, 276, family.n_tokens - 1).tolist()
    return body + [277] if family.pooling else [276] + body


def search(family):
    """(seed, prompt, greedy, margins) of the first weights and prompt that are clear."""
    forbidden = set(range(276, 1000))
    for seed in range(1, 20):
        model = empty_model(family)
        with torch.no_grad():
            fill(model, family, seed)
            packed = pack_experts(model, seed) if family.config["model_type"] == "gpt_oss" else {}
        for prompt_seed in range(1 if family.pooling else PROMPTS_A_MODEL):
            prompt = prompt_of(family, 1000 * seed + prompt_seed)
            found = ([], [], None) if family.pooling else greedy_of(model, prompt, forbidden)
            if found:
                return model, packed, seed, prompt
    sys.exit("no clear continuation found: other gains are needed")


def pooled(outputs, how):
    vector = {"cls": outputs[0], "last": outputs[-1], "mean": outputs.mean(0)}[how]
    return vector / vector.norm()


def agree(model, family, folder, packed, prompt, outputs):
    """The largest difference between float32 and float64, relative to the range: the reference's own noise."""
    exact = run(read_back(family, folder, packed, torch.float64), prompt)
    noise = ((exact - outputs).abs().max() / (outputs.max() - outputs.min())).item()
    if noise > 1e-4:
        sys.exit(f"float64 differs by {noise:.1e}")
    return noise


def make(name, family, folder):
    model, packed, seed, prompt = search(family)
    store(model, family, folder / "hf", packed)
    model = read_back(family, folder / "hf", packed, torch.float32)
    outputs = run(model, prompt)
    golden = {"family": name, "model_type": family.config["model_type"], "seed": seed, "tokens": prompt, "n_ctx": family.n_ctx}
    if family.pooling:
        numpy.save(folder / "token_outputs.npy", outputs.numpy().astype(numpy.float32))
        numpy.save(folder / "embedding.npy", pooled(outputs, family.pooling).numpy().astype(numpy.float32))
        golden["pooling"] = family.pooling
    else:
        greedy, margins, logits = greedy_of(model, prompt, set())
        numpy.save(folder / "logits.npy", logits.numpy().astype(numpy.float32))
        golden.update(greedy=greedy, margins=[round(m, 4) for m in margins], range=(logits.max() - logits.min()).item())
    golden["noise"] = agree(model, family, folder / "hf", packed, prompt, outputs)
    golden["made_by"] = {"transformers": transformers.__version__, "torch": torch.__version__, "tokenizers": tokenizers.__version__,
                         "reference": "jina_reference.py" if is_jina(family) else "transformers, eager, float32"}
    write_json(folder / "golden.json", golden)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(f"{name}: seed {seed}, noise {golden['noise']:.1e}, {size // 1024} KiB", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    root = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:] or FAMILIES:
        make(name, FAMILIES[name], root / name)
