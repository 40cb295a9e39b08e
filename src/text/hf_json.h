// Enters: JSON text. Leaves: its values, each with the path it has in the file, so that errors can say where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "escape.h"
#include "try.h"

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

/// The row of a table that a node's "type" names. Error: a type that is not known here, by its name and place.
template <class Row, std::size_t n>
Result<const Row*> row_of(const Row (&table)[n], const JsonNode& node, std::string_view what) {
  HEARTH_TRY(const std::string_view type, node["type"].text());
  for (const Row& row : table) {
    if (row.type == type) return &row;
  }
  return node.unsupported("is \"" + escape(type) + "\", a " + std::string(what) + " that is not known here");
}

}  // namespace hearth::text
