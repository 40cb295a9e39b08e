// Enters: JSON text. Leaves: its parts, as nlohmann-json finds them. Each kind of reader that it is given it compiles anew, with
// readers of four binary formats: so there is one.
#include "json_events.h"

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

class Teller : public nlohmann::json_sax<Json> {
 public:
  explicit Teller(JsonEvents& reader) : reader_(reader) {}

  bool null() override { return reader_.null(); }
  bool boolean(bool value) override { return reader_.boolean(value); }
  bool number_unsigned(number_unsigned_t value) override { return reader_.natural(value); }
  bool number_integer(number_integer_t value) override { return reader_.integer(value); }
  bool number_float(number_float_t value, const string_t& spelled) override {
    return reader_.real(value, with_point(spelled));
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
  Teller teller(reader);
  return Json::sax_parse(text, &teller);
}

}  // namespace hearth
