// Enters: a model file. Leaves: a number that tells it, or its tokenizer, from others, without reading all of it.
#pragma once

#include <string>

#include "gguf_reader.h"

namespace hearth::engine {

inline constexpr std::uint32_t kArithmetic = 1;  // the version of ARITHMETIC.md's rules

/// SHA-256, in hexadecimal, of the arithmetic version, all metadata, the tensor directory, and the first and last 4 KiB of each
/// tensor. Two files that differ only within a tensor, further from its ends, are taken for one: retraining or quantizing anew
/// changes every part of a tensor, and reading all of a file would take longer than most of what is saved.
std::string model_identity(const gguf::File& file);

/// SHA-256, in hexadecimal, of all keys that begin with "tokenizer.ggml.", in the order of their bytes: of each its name and value
/// as they are stored, with their lengths (8 bytes, little-endian) and types. The order in the file makes no difference.
std::string tokenizer_identity(const gguf::File& file);

}  // namespace hearth::engine
