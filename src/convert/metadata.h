// Enters: keys and values, in any order. Leaves: the metadata of a GGUF file; what is set later replaces what was set before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "gguf_writer.h"

namespace hearth::convert {

class Metadata {
 public:
  using Value = std::variant<bool, std::uint32_t, std::int32_t, float, std::string, std::vector<std::string>,
                             std::vector<float>, std::vector<std::int32_t>, std::vector<std::uint8_t>>;

  void set(const std::string& key, Value value);
  bool has(const std::string& key) const;
  const Value* find(const std::string& key) const;
  void write(gguf::Writer& writer) const;

 private:
  std::vector<std::pair<std::string, Value>> pairs_;     // in the order in which they came
  std::unordered_map<std::string, std::size_t> places_;  // of keys among them
};

}  // namespace hearth::convert
