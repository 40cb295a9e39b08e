// Enters: keys and values. Leaves: them in a file's order.
#include "metadata.h"

#include <type_traits>

namespace hearth::convert {

void Metadata::set(const std::string& key, Value value) {
  const auto [place, fresh] = places_.emplace(key, pairs_.size());
  if (fresh) pairs_.emplace_back(key, std::move(value));
  else pairs_[place->second].second = std::move(value);
}

const Metadata::Value* Metadata::find(const std::string& key) const {
  const auto place = places_.find(key);
  return place == places_.end() ? nullptr : &pairs_[place->second].second;
}

bool Metadata::has(const std::string& key) const { return find(key) != nullptr; }

void Metadata::write(gguf::Writer& writer) const {
  for (const auto& [key, value] : pairs_) {
    std::visit(
        [&, &name = key](const auto& held) {
          using T = std::decay_t<decltype(held)>;
          if constexpr (std::is_arithmetic_v<T>) writer.add(name, held);
          else if constexpr (std::is_same_v<T, std::string>) writer.add(name, std::string_view(held));
          else if constexpr (std::is_same_v<T, std::vector<std::string>>)
            writer.add_array(name, std::span<const std::string>(held));
          else writer.template add_array<typename T::value_type>(name, std::span<const typename T::value_type>(held));
        },
        value);
  }
}

}  // namespace hearth::convert
