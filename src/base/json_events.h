// Enters: JSON text. Leaves: what it says, in its order, told to a reader that builds something of its own from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

/// Told the parts of a text as they come. Each answer says whether to go on; what a reader does not override goes by.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual bool null() { return true; }
  virtual bool boolean(bool) { return true; }
  virtual bool natural(std::uint64_t) { return true; }  // a whole number without a sign
  virtual bool integer(std::int64_t) { return true; }   // one with a minus
  /// Any other number, and a whole one that 64 bits do not hold; `spelled` as the text has it.
  virtual bool real(double, const std::string& /*spelled*/) { return true; }
  virtual bool string(std::string&) { return true; }  // decoded; the reader may take it
  virtual bool start_object() { return true; }
  virtual bool key(std::string&) { return true; }
  virtual bool end_object() { return true; }
  virtual bool start_array() { return true; }
  virtual bool end_array() { return true; }
  /// The text is no JSON from this byte on, counted from 1; `too_large`: there is a number beyond all doubles. The last that is told.
  virtual void broken(std::size_t /*byte*/, bool /*too_large*/) {}
};

/// Whether the text is JSON (RFC 8259, nothing after it) and the reader wanted all of it.
bool read_json(std::string_view text, JsonEvents& reader);

}  // namespace hearth
