// Enters: nothing. Leaves: what a row of the table of families says: how its tensors and settings are called on both sides.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <string_view>

#include "hf_config.h"
#include "metadata.h"
#include "tensor_view.h"

namespace hearth::convert {

/// Another order of a tensor's elements, or some of them. Errors: a shape that does not fit the config.
using Transform = Result<TensorView> (*)(const TensorView& view, const HfConfig& config);

/// What a source tensor is of the one that is written.
enum class Part : std::uint8_t { whole, mxfp4_codes, mxfp4_scales };

/// `from`: the name in the checkpoint without "model." before and ".weight" or ".bias" after it; the first {} is the layer,
/// the second the expert, whose tensors are stacked. `to`: GGUF's name, which gets the same end unless it has one; empty: known
/// and left out. Several rows may take from one tensor.
struct TensorRow {
  std::string_view from, to;
  Transform transform = nullptr;
  Part part = Part::whole;
};

/// A token that has a role in every model of a family, whether its files say so or not.
struct RoleRow {
  std::string_view role, text;
};

enum class KeyKind : std::uint8_t { count, real, flag };

/// A setting: GGUF's key after "ARCH.", and its names in config.json. Absent there, it is absent here.
struct KeyRow {
  std::string_view key;
  KeyKind kind;
  std::string_view from;
};

/// Where a family's keys go: its architecture's, by their names after it.
class KeySink {
 public:
  KeySink(Metadata& metadata, std::string_view arch) : metadata_(metadata), prefix_(std::string(arch) + ".") {}
  void set(std::string_view key, Metadata::Value value) { metadata_.set(prefix_ + std::string(key), std::move(value)); }
  void set_count(std::string_view key, std::uint64_t value) { set(key, static_cast<std::uint32_t>(value)); }
  void set_real(std::string_view key, double value) { set(key, static_cast<float>(value)); }

 private:
  Metadata& metadata_;
  std::string prefix_;
};

struct Family {
  std::string_view architectures;      // of config.json, with spaces between
  std::string_view arch;               // general.architecture
  std::span<const TensorRow> tensors;  // tried before those that all have
  std::span<const KeyRow> keys;        // after those that all have
  Result<void> (*more_keys)(const HfConfig& config, KeySink& keys) = nullptr;
  Result<void> (*settle)(HfConfig& config) = nullptr;  // corrects what the config says before anything reads it
  bool norms_plus_one = false;                         // the checkpoint's norm weights are stored without their 1
  bool pooled = false;                                 // may come with a sentence-transformers pooling
  std::string_view defaults = "{}";                    // what its config class means by an absent value
  /// Each so-many-th layer sees all positions, the others have a window; 0: config.json is not asked.
  std::size_t full_every = 0;
  std::string_view pre = "";  // the pre-tokenizer's name, where several cut alike
  std::span<const RoleRow> roles = {};
};

std::span<const Family> families();

/// The row of an architecture. Error: none has it; all are listed.
Result<const Family*> find_family(std::string_view architecture);

/// What decoders have in common, tried after a family's own.
std::span<const TensorRow> common_tensors();
std::span<const KeyRow> common_keys();

}  // namespace hearth::convert
