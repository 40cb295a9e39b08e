#!/usr/bin/env python3
"""Enters: the hearth program, tests/golden/models and names of families (all without). Leaves: a table: how far llama.cpp and
Hearth, both given the F32 GGUF that `hearth convert` makes, are from the reference and from each other, relative to its range.

    pip install llama-cpp-python numpy && tools/makers/compare_with_llama_cpp.py build/bin/hearth tests/golden/models [NAME …]

Keys and values are F32 and flash attention is off, so what differs is the order of sums. llama.cpp rounds the activations of
MXFP4 experts to 8 bits; nothing else here is rounded. Exit 1 where one is further than 1% from another.
"""
import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile

import llama_cpp
import numpy

LIMIT = 1e-2
NO_FLASH, CAUSAL_DEFAULT, NO_POOLING, F32 = 0, -1, 0, 0


class Failed(Exception):
    pass


def llama_cpp_outputs(gguf, golden):
    """Logits, or the last hidden states of an embedding model: [n_tokens, width]."""
    tokens, embedding = golden["tokens"], "pooling" in golden
    model = llama_cpp.llama_model_load_from_file(str(gguf).encode(), llama_cpp.llama_model_default_params())
    if not model:
        raise Failed("not loaded")
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = golden["n_ctx"] or 512
    params.type_k = params.type_v = F32
    params.flash_attn_type = NO_FLASH
    params.n_threads = params.n_threads_batch = 1
    params.embeddings, params.pooling_type = embedding, NO_POOLING
    context = llama_cpp.llama_init_from_model(model, params)
    batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
    batch.n_tokens = len(tokens)
    for i, token in enumerate(tokens):
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = token, i, 1, 0, True
    if llama_cpp.llama_decode(context, batch) != 0:
        raise Failed("does not decode")
    vocab = llama_cpp.llama_model_get_vocab(model)
    width = llama_cpp.llama_model_n_embd(model) if embedding else llama_cpp.llama_vocab_n_tokens(vocab)
    row = llama_cpp.llama_get_embeddings_ith if embedding else llama_cpp.llama_get_logits_ith
    rows = [numpy.ctypeslib.as_array(row(context, i), (width,)).copy() for i in range(len(tokens))]
    llama_cpp.llama_batch_free(batch)
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return numpy.stack(rows)


def call(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ends with {done.returncode}")


def hearth_outputs(program, gguf, golden, folder):
    out = folder / "logits.npy"
    context = ["--ctx", golden["n_ctx"]] if golden["n_ctx"] else []
    call(program, "eval", gguf, "--tokens", ",".join(map(str, golden["tokens"])), "--logits", out, "--kv", "f32", *context)
    return numpy.load(out)


def difference(a, b, scale):
    if isinstance(a, Failed) or isinstance(b, Failed):
        return None
    return float(numpy.abs(a - b).max() / scale) if a.shape == b.shape else numpy.inf


def outcome(work, *arguments):
    try:
        return work(*arguments)
    except Failed as error:
        return error


def compare(program, folder, scratch):
    """[(what, difference or the error)] of one family."""
    golden = json.loads((folder / "golden.json").read_text())
    reference = numpy.load(folder / ("token_outputs.npy" if "pooling" in golden else "logits.npy"))
    gguf = scratch / f"{folder.name}.gguf"
    converted = outcome(call, program, "convert", folder / "hf", gguf, "--type", "f32")
    if isinstance(converted, Failed):
        return [("convert", converted)]
    scale = float(reference.max() - reference.min())
    other = outcome(llama_cpp_outputs, gguf, golden)
    ours = Failed("no logits") if "pooling" in golden else outcome(hearth_outputs, program, gguf, golden, scratch)
    pairs = [("llama.cpp", other, reference), ("Hearth", ours, reference), ("each other", ours, other)]
    return [(what, difference(a, b, scale) if not isinstance(a, Failed) else a) for what, a, b in pairs]


def quiet():
    """llama.cpp tells much about loading; here only its answers count."""
    @llama_cpp.llama_log_callback
    def ignore(level, text, data):
        pass
    llama_cpp.llama_log_set(ignore, ctypes.c_void_p(0))
    return ignore


if __name__ == "__main__":
    program, root = sys.argv[1], pathlib.Path(sys.argv[2])
    keep = quiet()
    bad = False
    print(f"llama-cpp-python {llama_cpp.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in sys.argv[3:] or sorted(p.parent.name for p in root.glob("*/golden.json")):
            cells = []
            for what, got in compare(program, root / name, pathlib.Path(scratch)):
                bad |= not isinstance(got, float) or got > LIMIT
                cells.append(f"{what} {got:.1e}" if isinstance(got, float) else f"{what} {got}")
            print(f"{name:22}", *cells, sep=" | ", flush=True)
    sys.exit(bad)
