// Enters: an open model file. Leaves: the SHA-256 of each of its files, as Ollama and Hugging Face name them.
#pragma once

#include <hearth/tools.hpp>
#include <vector>

#include "gguf_reader.h"

namespace hearth::engine {

/// `release`: pages that were read for it alone are given back as it goes.
Result<std::vector<tools::FileDigest>> file_digests(const gguf::File& file, bool release,
                                                    const tools::DigestOptions& options);

}  // namespace hearth::engine
