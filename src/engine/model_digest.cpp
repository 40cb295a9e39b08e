// Enters: an open model file. Leaves: the SHA-256 of each of its files, as Ollama and Hugging Face name them.
#include "model_digest.h"

#include <algorithm>
#include <filesystem>

#include "digest_memory.h"
#include "try.h"

namespace hearth::engine {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

/// How much is read, of all that is to be read.
class Progress {
 public:
  Progress(const tools::DigestOptions& options, std::uint64_t total) : options_(options), total_(total) {}

  Result<void> goes_on(std::size_t read) {
    done_ += read;
    const bool cancelled = options_.cancelled && options_.cancelled();
    const double part = static_cast<double>(done_) / static_cast<double>(std::max<std::uint64_t>(1, total_));
    if (!cancelled && (!options_.on_progress || options_.on_progress(part))) return {};
    return Error(Status::cancelled, "the call was cancelled; computing the model's SHA-256; ask for it again");
  }

 private:
  const tools::DigestOptions& options_;
  std::uint64_t done_ = 0, total_;
};

Result<std::string> digest(const MappedFile& file, bool release, Progress& progress) {
  tools::Sha256 hash;
  for (auto rest = file.bytes(); !rest.empty();) {
    const auto piece = rest.first(std::min(kPiece, rest.size()));
    rest = rest.subspan(piece.size());
    hash.update(piece);
    if (release) file.release(piece);
    HEARTH_CHECK(progress.goes_on(piece.size()));
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
  Progress progress(options, unknown_bytes);
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
