// Enters: an open model file. Leaves: the SHA-256 of each of its files, as Ollama and Hugging Face name them.
#include "model_digest.h"

#include <algorithm>
#include <filesystem>

#include "digest_memory.h"
#include "progress.h"
#include "try.h"

namespace hearth::engine {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

Result<std::string> digest(const MappedFile& file, bool release, Progress<tools::DigestOptions>& progress) {
  tools::Sha256 hash;
  for (auto rest = file.bytes(); !rest.empty();) {
    const auto piece = rest.first(std::min(kPiece, rest.size()));
    rest = rest.subspan(piece.size());
    hash.update(piece);
    if (release) file.release(piece);
    progress.add(piece.size());
    HEARTH_CHECK(progress.goes_on());
  }
  return hash.hex();
}

}  // namespace

Result<std::vector<tools::FileDigest>> file_digests(const gguf::File& file, bool release,
                                                    const tools::DigestOptions& options) {
  DigestMemory memory(options.memory);
  std::vector<tools::FileDigest> digests;
  std::uint64_t unknown_bytes = 0;
  for (const MappedFile& shard : file.shards()) {
    const std::string* known = memory.find(shard.stamp());
    digests.push_back({std::filesystem::path(shard.path()).filename().string(), shard.bytes().size(),
                       known ? *known : std::string()});
    if (!known) unknown_bytes += shard.bytes().size();
  }
  Progress progress(options, unknown_bytes, "; computing the model's SHA-256; ask for it again");
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (!digests[i].sha256.empty()) continue;
    const MappedFile& shard = file.shards()[i];
    HEARTH_TRY(digests[i].sha256, digest(shard, release, progress));
    memory.remember(shard.stamp(), digests[i].sha256);
  }
  memory.save();
  return digests;
}

}  // namespace hearth::engine
