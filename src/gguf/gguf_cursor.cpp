// Enters: a file's bytes. Leaves: numbers, strings and spans read one after the other; every error says where it stood.
#include "gguf_cursor.h"

#include "escape.h"
#include "try.h"

namespace hearth::gguf {

std::string bytes_text(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " byte" : " bytes"); }

void Cursor::enter(std::string_view kind, std::uint64_t index) {
  kind_ = kind;
  index_ = index;
  name_ = {};
  leave_element();
}

Result<std::span<const std::byte>> Cursor::take(std::uint64_t count, std::string_view field) {
  if (count > remaining()) return too_short(count, field, position_);
  const auto taken = bytes_.subspan(position_, count);
  position_ += count;
  return taken;
}

Result<std::string_view> Cursor::string(std::string_view field, std::uint64_t max_bytes) {
  const std::uint64_t at = position_;
  HEARTH_TRY(const auto length, number<std::uint64_t>(field));
  if (length > remaining()) {
    return error("length " + std::to_string(length) + " is more than the " + bytes_text(remaining()) + " that remain",
                 field, at);
  }
  if (length > max_bytes) {
    return error("length " + std::to_string(length) + " is over the limit of " + bytes_text(max_bytes), field, at);
  }
  HEARTH_TRY(const auto text, take(length, field));
  return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
}

Error Cursor::error(std::string_view what, std::string_view field, std::uint64_t at, std::string_view advice,
                    Status status) const {
  std::string message(what);
  message.append("; ").append(field);
  if (element_ != no_element) message += " of element " + std::to_string(element_);
  if (!kind_.empty()) message.append(" of ").append(kind_).append(" ").append(std::to_string(index_));
  if (!name_.empty()) message += " '" + escape(name_) + "'";
  message += " at byte " + std::to_string(at) + " of " + file_;
  message.append("; ").append(advice);
  return {status, std::move(message)};
}

Error Cursor::too_short(std::uint64_t needed, std::string_view field, std::uint64_t at) const {
  return error(bytes_text(needed) + " needed, " + std::to_string(remaining()) + " remain", field, at, cut_short);
}

}  // namespace hearth::gguf
