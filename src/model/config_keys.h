// Enters: a file's metadata and an architecture's name. Leaves: its keys' values, each checked for type and range.
#pragma once

#include <algorithm>
#include <charconv>
#include <hearth/result.hpp>
#include <optional>
#include <string>
#include <vector>

#include "escape.h"
#include "gguf_reader.h"
#include "try.h"

namespace hearth::model {

/// The keys of one architecture: "<arch>.<name>".
class Keys {
 public:
  Keys(const gguf::File& file, std::string arch) : file_(file), prefix_(std::move(arch) + ".") {}

  Error bad(const std::string& name, const std::string& found, const std::string& needed) const {
    return Error(Status::malformed, "'" + prefix_ + name + "' is " + found + ", it must be " + needed + "; " +
                                        where(name) + "; the file is damaged or was converted wrongly");
  }

  Error not_run(const std::string& name, const std::string& what, const std::string& remedy) const {
    return Error(Status::unsupported, "'" + prefix_ + name + "' " + what + "; " + where(name) + "; " + remedy);
  }

  bool has(const std::string& name) const { return file_.find(prefix_ + name) != nullptr; }
  bool has_list(const std::string& name) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    return key && key->type == gguf::ValueType::array;
  }

  // Of a key and what other files call it, the one that the file has.
  std::string either(const std::string& name, const std::string& other) const {
    return !has(name) && has(other) ? other : name;
  }

  Result<std::int64_t> count(const std::string& name, std::int64_t low, std::int64_t high) const {
    HEARTH_TRY(const std::uint64_t number, file_.get_uint(prefix_ + name));
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return bad(name, std::to_string(number), range(low, high));
    return within(name, static_cast<std::int64_t>(number), low, high);
  }

  Result<std::int64_t> count_or(const std::string& name, std::int64_t otherwise, std::int64_t low,
                                std::int64_t high) const {
    if (!has(name)) return otherwise;
    return count(name, low, high);
  }

  // 0 stands for an absent one.
  Result<std::int64_t> positive_count_or(const std::string& name, std::int64_t otherwise, std::int64_t high) const {
    HEARTH_TRY(const std::int64_t value, count_or(name, 0, 0, INT64_MAX));
    return value == 0 ? Result<std::int64_t>(otherwise) : within(name, value, 1, high);
  }

  // The elements of an array of integers, or of truths: 1 and 0.
  Result<std::vector<std::int64_t>> list(const std::string& name) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    if (!key || key->element_type != gguf::ValueType::boolean) return file_.get_ints(prefix_ + name);
    std::vector<std::int64_t> truths;
    for (const std::byte truth : key->payload) truths.push_back(std::to_integer<std::int64_t>(truth));
    return truths;
  }

  // A number of every layer: one integer, or an array of n_layer equal ones.
  Result<std::int64_t> layer_count(const std::string& name, std::int64_t n_layer, std::int64_t low,
                                   std::int64_t high) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    if (!key || key->type != gguf::ValueType::array) return count(name, low, high);
    if (gguf::value_bytes(key->element_type) < 4)
      return bad(name, "an array of " + std::string(gguf::name(key->element_type)),
                 "an integer or an array of i32 or u32");
    if (key->count != static_cast<std::uint64_t>(n_layer))
      return bad(name, "an array of " + std::to_string(key->count),
                 "an array of block_count, " + std::to_string(n_layer));
    HEARTH_TRY(const std::vector<std::int64_t> values, file_.get_ints(prefix_ + name));
    for (const std::int64_t value : values) HEARTH_CHECK(within(name, value, low, high));
    if (std::any_of(values.begin(), values.end(), [&](std::int64_t v) { return v != values[0]; }))
      return Error(Status::unsupported, "'" + prefix_ + name + "' differs between layers; " +
                                            escape(file_.path(), 256) +
                                            "; this family is run with one value for all layers");
    return values[0];
  }

  Result<std::int64_t> layer_count_or(const std::string& name, std::int64_t otherwise, std::int64_t n_layer,
                                      std::int64_t low, std::int64_t high) const {
    if (!has(name)) return otherwise;
    return layer_count(name, n_layer, low, high);
  }

  // Numbers that are used as f32 (or divide one) are held to a range in which they stay what they are.
  Result<double> number(const std::string& name, double low, double high) const {
    HEARTH_TRY(const double value, file_.get_float(prefix_ + name));
    if (value >= low && value <= high) return value;
    return bad(name, shown(value), "finite and from " + shown(low) + " to " + shown(high));
  }

  Result<double> number_or(const std::string& name, double otherwise, double low, double high) const {
    if (!has(name)) return otherwise;
    return number(name, low, high);
  }

  // 0 stands for none, whatever an absent one stands for.
  Result<double> positive_or_none(const std::string& name, double otherwise = 0) const {
    if (!has(name)) return otherwise;
    HEARTH_TRY(const double value, number(name, 0.0, 1e6));
    return value == 0 ? 0.0 : number(name, 1e-6, 1e6);
  }

  Result<bool> flag(const std::string& name, bool otherwise = false) const {
    HEARTH_TRY(const std::optional<bool> set, file_.optional_bool(prefix_ + name));
    return set.value_or(otherwise);
  }

  // A key that changes what the model computes in a way that is not run: absent, or 0.
  Result<void> unused(const std::string& name) const {
    if (!has(name)) return {};
    const auto number = file_.get_float(prefix_ + name);
    const auto whole = file_.get_uint(prefix_ + name);
    if ((number && *number == 0) || (whole && *whole == 0)) return {};
    return not_run(name, "asks for what this build does not run", "use a file without it");
  }

  Result<std::optional<std::string_view>> text(const std::string& name) const {
    return file_.optional_string(prefix_ + name);
  }

 private:
  std::string where(const std::string& name) const {
    const gguf::KeyValue* key = file_.find(prefix_ + name);
    const std::string at = key ? " at byte " + std::to_string(key->offset) : "";
    return "metadata" + at + " of " + escape(file_.path(), 256);
  }
  static std::string shown(double value) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  static std::string range(std::int64_t low, std::int64_t high) {
    return std::to_string(low) + " to " + std::to_string(high);
  }
  Result<std::int64_t> within(const std::string& name, std::int64_t value, std::int64_t low, std::int64_t high) const {
    if (value < low || value > high) return bad(name, std::to_string(value), range(low, high));
    return value;
  }

  const gguf::File& file_;
  std::string prefix_;
};

}  // namespace hearth::model
