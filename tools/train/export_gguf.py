# A checkpoint of train.py enters; one GGUF v3 file leaves: Q8_0 matrices, F32 norms, the SPM vocabulary.
#   python export_gguf.py out.pt hearth-stories.gguf
import struct
import sys

import numpy as np

from spm_train import BOS, EOS

U32, I32, F32_VALUE, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
F32, Q8_0 = 0, 8
ALIGNMENT = 32
MOSTLY_Q8_0 = 7
DESCRIPTION = "Tells little English stories. Trained from nothing on the tales of Hearth's own story grammar."


def string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


PACK = {
    U32: struct.Struct("<I").pack,
    I32: struct.Struct("<i").pack,
    F32_VALUE: struct.Struct("<f").pack,
    BOOL: struct.Struct("<?").pack,
    STRING: string,
}


def key_value(key, kind, value):
    if isinstance(value, list):
        return string(key) + struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(map(PACK[kind], value))
    return string(key) + struct.pack("<I", kind) + PACK[kind](value)


def q8_0(weight):
    """Rows in blocks of 32: one f16 scale, 32 int8. Rounding is half away from zero, as in the reference quantizer."""
    blocks = weight.astype(np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    scaled = blocks * inverse
    quants = (np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)).astype(np.int8)
    return np.concatenate([scale.astype("<f2").view(np.uint8), quants.view(np.uint8)], 1).tobytes()


def metadata(config, vocab):
    head_dim = config["dim"] // config["heads"]
    return [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "Hearth Stories"),
        ("general.description", STRING, DESCRIPTION),
        ("general.license", STRING, "CC0-1.0"),
        ("general.quantization_version", U32, 2),
        ("general.file_type", U32, MOSTLY_Q8_0),
        ("llama.context_length", U32, 512),
        ("llama.embedding_length", U32, config["dim"]),
        ("llama.block_count", U32, config["layers"]),
        ("llama.feed_forward_length", U32, config["ffn"]),
        ("llama.attention.head_count", U32, config["heads"]),
        ("llama.attention.head_count_kv", U32, config["kv_heads"]),
        ("llama.attention.layer_norm_rms_epsilon", F32_VALUE, config["epsilon"]),
        ("llama.rope.dimension_count", U32, head_dim),
        ("llama.rope.freq_base", F32_VALUE, config["rope_base"]),
        ("llama.vocab_size", U32, config["vocab"]),
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", STRING, vocab["pieces"]),
        ("tokenizer.ggml.scores", F32_VALUE, vocab["scores"]),
        ("tokenizer.ggml.token_type", I32, vocab["types"]),
        ("tokenizer.ggml.bos_token_id", U32, BOS),
        ("tokenizer.ggml.eos_token_id", U32, EOS),
        ("tokenizer.ggml.unknown_token_id", U32, 0),
        ("tokenizer.ggml.add_bos_token", BOOL, True),
        ("tokenizer.ggml.add_eos_token", BOOL, False),
        ("tokenizer.ggml.add_space_prefix", BOOL, True),
    ]


def write(path, keys, tensors):
    """tensors: [(name, float32 array)]; two dimensions become Q8_0, one stays F32."""
    directory, data = b"", b""
    for name, weight in tensors:
        kind, raw = (Q8_0, q8_0(weight)) if weight.ndim == 2 else (F32, weight.astype("<f4").tobytes())
        dims = weight.shape[::-1]  # GGUF names the row length first
        directory += string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(data))
        data += raw + bytes(-len(raw) % ALIGNMENT)
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys))
    head += b"".join(key_value(*k) for k in keys) + directory
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % ALIGNMENT) + data)


if __name__ == "__main__":
    import torch
    checkpoint = torch.load(sys.argv[1], weights_only=True)
    # the modules already carry GGUF's tensor names; token_embd serves as the output matrix too
    tensors = [(name, weight.float().numpy()) for name, weight in checkpoint["weights"].items()]
    write(sys.argv[2], metadata(checkpoint["config"], checkpoint["vocab"]), tensors)
