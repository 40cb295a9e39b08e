// Enters: the split.* keys and the path of one part. Leaves: which part it is and what its siblings are called.
#include "gguf_split.h"

#include <limits>

#include "escape.h"
#include "try.h"

namespace hearth::gguf {
namespace {

constexpr std::uint64_t max_parts = std::numeric_limits<std::uint16_t>::max();

std::string five_digits(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

Error bad_split(const File& part, std::string_view key, const std::string& what) {
  const KeyValue* pair = part.find(key);
  return {Status::malformed, what + "; key '" + std::string(key) + "' at byte " +
                                 std::to_string(pair != nullptr ? pair->offset : 0) + " of " +
                                 quoted_path(part.path()) + "; fetch all parts again"};
}

Error disagree(const File& first, const File& sibling, const std::string& what) {
  return {Status::malformed, what + "; " + quoted_path(first.path()) + " and " + quoted_path(sibling.path()) +
                                 "; fetch all parts of one model again"};
}

}  // namespace

Result<SplitKeys> read_split_keys(const File& part) {
  SplitKeys keys;
  HEARTH_TRY(const auto no, part.optional_uint("split.no"));
  HEARTH_TRY(const auto count, part.optional_uint("split.count"));
  HEARTH_TRY(keys.n_tensors, part.optional_uint("split.tensors.count"));
  keys.no = no.value_or(0);
  keys.count = count.value_or(1);
  if (keys.count == 0 || keys.count > max_parts)
    return bad_split(part, "split.count", "part count " + std::to_string(keys.count) + " is not one of 1..65535");
  if (keys.no >= keys.count) {
    return bad_split(
        part, "split.no",
        "part number " + std::to_string(keys.no) + " is not below the part count " + std::to_string(keys.count));
  }
  return keys;
}

std::string split_path(const std::string& prefix, std::uint64_t no, std::uint64_t count) {
  return prefix + "-" + five_digits(no + 1) + "-of-" + five_digits(count) + ".gguf";
}

std::optional<std::string> split_prefix(const std::string& path, std::uint64_t no, std::uint64_t count) {
  const std::string suffix = split_path("", no, count);
  if (path.size() <= suffix.size() || !path.ends_with(suffix)) return std::nullopt;
  return path.substr(0, path.size() - suffix.size());
}

Result<void> check_sibling(const File& first, const SplitKeys& split, const File& sibling, std::uint64_t no) {
  HEARTH_TRY(const SplitKeys found, read_split_keys(sibling));
  if (found.count != split.count) {
    return disagree(first, sibling,
                    "split.count is " + std::to_string(split.count) + " in one part and " +
                        std::to_string(found.count) + " in another");
  }
  if (found.no != no) {
    return disagree(first, sibling,
                    "split.no is " + std::to_string(found.no) + " where " + std::to_string(no) + " belongs");
  }
  if (found.n_tensors && found.n_tensors != split.n_tensors) {
    return disagree(first, sibling,
                    "split.tensors.count is " + std::to_string(*split.n_tensors) + " in one part and " +
                        std::to_string(*found.n_tensors) + " in another");
  }
  HEARTH_TRY(const auto here, first.optional_string("general.architecture"));
  HEARTH_TRY(const auto there, sibling.optional_string("general.architecture"));
  if (there && here != there) {
    return disagree(first, sibling,
                    "general.architecture is '" + escape(here.value_or("")) + "' in one part and '" + escape(*there) +
                        "' in another");
  }
  return {};
}

Result<void> check_tensor_total(const File& model, const SplitKeys& split) {
  if (!split.n_tensors || *split.n_tensors == model.tensors().size()) return {};
  return bad_split(model, "split.tensors.count",
                   "split.tensors.count is " + std::to_string(*split.n_tensors) + ", the parts hold " +
                       std::to_string(model.tensors().size()) + " tensors");
}

}  // namespace hearth::gguf
