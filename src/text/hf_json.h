// Enters: JSON text. Leaves: its values, each with the path it has in the file, so that errors can say where.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::text {

/// Errors: no JSON, with the byte; deeper than 64. Keys that come twice count once, the last.
Result<nlohmann::json> parse_json(std::string_view text, const std::string& where);

/// A value inside a document that outlives it. Absent is the same as null.
class JsonNode {
 public:
  /// `where` names the file in errors and outlives it.
  JsonNode(const nlohmann::json& value, std::string path, const std::string& where)
      : value_(&value), path_(std::move(path)), where_(&where) {}

  bool is_null() const { return value_->is_null(); }
  const nlohmann::json& value() const { return *value_; }
  const std::string& where() const { return *where_; }

  JsonNode operator[](const char* key) const;

  // Values of one type; `or_` forms where it may be absent.
  Result<std::string_view> text() const;
  Result<std::int32_t> id() const;
  Result<bool> flag() const;
  Result<std::vector<JsonNode>> items() const;
  Result<std::string_view> text_or(std::string_view otherwise) const;
  Result<bool> flag_or(bool otherwise) const;

  /// "PATH what; FILE; …".
  Error malformed(std::string_view what) const;
  Error unsupported(std::string_view what) const;

 private:
  Error expected(std::string_view type) const;

  const nlohmann::json* value_;
  std::string path_;
  const std::string* where_;
};

}  // namespace hearth::text
