// Enters: JSON text. Leaves: its parts, as nlohmann-json finds them. Each kind of reader that it is given it compiles anew, with
// readers of four binary formats: so there is one.
#include "json_events.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace hearth {
namespace {

using Json = nlohmann::json;

/// A number as JSON spells it: nlohmann-json hands it out with the decimal point of the host's locale.
std::string with_point(std::string number) {
  for (char& c : number)
    if (std::string_view("0123456789+-eE").find(c) == std::string_view::npos) c = '.';
  return number;
}

/// Where a text has more blanks than any JSON is written with; its size: nowhere. What breaks a text is told by nlohmann-json with all
/// that came since the last string or number, eight bytes a line break and several times over.
std::size_t too_blank(std::string_view text) {
  constexpr std::size_t kMost = 1 << 20;
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"' || (c >= '0' && c <= '9')) n = 0;
    else if (static_cast<unsigned char>(c) < ' ' && ++n > kMost) return at;
  }
  return text.size();
}

class Teller : public nlohmann::json_sax<Json> {
 public:
  explicit Teller(JsonEvents& reader) : reader_(reader) {}

  bool null() override { return reader_.null(); }
  bool boolean(bool value) override { return reader_.boolean(value); }
  bool number_unsigned(number_unsigned_t value) override { return reader_.natural(value); }
  bool number_integer(number_integer_t value) override { return reader_.integer(value); }
  bool number_float(number_float_t value, const string_t& spelled) override {
    const std::string number = with_point(spelled);
    std::from_chars(number.data(), number.data() + number.size(), value);  // a locale may have a point of several bytes
    return reader_.real(value, number);
  }
  bool string(string_t& value) override { return reader_.string(value); }
  bool binary(binary_t&) override { return false; }  // JSON has none
  bool start_object(std::size_t) override { return reader_.start_object(); }
  bool key(string_t& name) override { return reader_.key(name); }
  bool end_object() override { return reader_.end_object(); }
  bool start_array(std::size_t) override { return reader_.start_array(); }
  bool end_array() override { return reader_.end_array(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    constexpr int kOutOfRange = 406;  // of nlohmann-json's table of exceptions
    reader_.broken(position, error.id == kOutOfRange);
    return false;
  }

 private:
  JsonEvents& reader_;
};

}  // namespace

bool read_json(std::string_view text, JsonEvents& reader) {
  const auto broken = [&](std::size_t at) {
    reader.broken(at + 1, false);
    return false;
  };
  if (const std::size_t at = too_blank(text); at < text.size()) return broken(at);
  Teller teller(reader);
  if (!Json::sax_parse(text, &teller)) return false;
  const std::size_t zero = text.find('\0');  // nlohmann-json takes it for the end
  return zero == std::string_view::npos || broken(zero);
}

}  // namespace hearth
