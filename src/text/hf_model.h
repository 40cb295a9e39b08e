// Enters: the "model" of a tokenizer.json. Leaves: its vocabulary, and what turns pieces of text into ids.
#pragma once

#include <cstdint>
#include <deque>
#include <hearth/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hf_json.h"
#include "pieces.h"
#include "text_hash.h"

namespace hearth::text {

/// The texts of a model's tokens, which views refer to for as long as it lives.
struct HfVocabulary {
  struct Entry {
    std::string_view text;
    std::int32_t id;
    double score = 0;
  };

  std::deque<std::string> texts;  // a deque: views stay valid as it grows
  std::vector<Entry> entries;
  std::unordered_map<std::string_view, std::int32_t, TextHash> ids;
  std::int32_t unknown = -1;   // -1: none
  bool byte_fallback = false;  // <0xHH> stand for bytes

  void add(std::string_view text, std::int32_t id, double score = 0);
  std::int32_t find(std::string_view text) const;
};

class HfModel {
 public:
  virtual ~HfModel() = default;

  /// Appends the ids of all pieces. The vocabulary that it was read from must live.
  virtual Result<void> append(const Pieces& pieces, std::vector<std::int32_t>& ids) const = 0;
};

/// Fills `vocabulary`. Errors name the field.
Result<std::unique_ptr<const HfModel>> read_model(const JsonNode& node, HfVocabulary& vocabulary);

/// Byte pair encoding, which has a file of its own; the vocabulary's entries are there.
Result<std::unique_ptr<const HfModel>> read_bpe(const JsonNode& node, HfVocabulary& vocabulary);

}  // namespace hearth::text
