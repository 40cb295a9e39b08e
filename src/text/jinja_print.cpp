// Enters: values. Leaves: their texts, as Python's str() and repr() write them.
#include <array>
#include <charconv>
#include <cmath>

#include "escape.h"
#include "jinja_runtime.h"
#include "jinja_unicode.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

constexpr int kMaxPrintDepth = 200;  // namespaces may hold each other

void append_escape(std::string& out, char32_t code) {
  const int n = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
  out += n == 2 ? "\\x" : n == 4 ? "\\u" : "\\U";
  append_hex(out, code, n);
}

/// Single quotes unless the text has some and no double ones.
std::string quoted(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char32_t code : decode(text)) {
    if (code == static_cast<char32_t>(quote) || code == '\\') out += '\\';
    if (code == '\n') out += "\\n";
    else if (code == '\r') out += "\\r";
    else if (code == '\t') out += "\\t";
    else if (!is_printable(code)) append_escape(out, code);
    else append_char(out, code);
  }
  return out + quote;
}

class Printer {
 public:
  Printer(Runtime& rt, std::string& out) : rt_(rt), out_(out) {}

  Result<void> repr(const Value& value, int depth = 0) {
    if (depth > kMaxPrintDepth) return limit_reached("the value to print is nested too deeply");
    const std::size_t before = out_.size();
    HEARTH_CHECK(append(value, depth));
    HEARTH_CHECK(rt_.step(out_.size() - before));
    return rt_.room(out_.size());
  }

 private:
  Result<void> append(const Value& value, int depth) {
    switch (value.kind()) {
      case Kind::undefined:
        out_ += "Undefined";
        return {};
      case Kind::none:
        out_ += "None";
        return {};
      case Kind::boolean:
        out_ += value.integer() ? "True" : "False";
        return {};
      case Kind::integer:
        out_ += std::to_string(value.integer());
        return {};
      case Kind::real:
        out_ += float_text(value.real());
        return {};
      case Kind::string:
        out_ += value.safe() ? "Markup(" + quoted(value.text()) + ")" : quoted(value.text());
        return {};
      case Kind::list:
        return array(value, "[", "]", depth);
      case Kind::tuple:
        return array(value, "(", value.as<Array>().items.size() == 1 ? ",)" : ")", depth);
      case Kind::view:
        return array(value, std::string(value.as<Array>().label) + "([", "])", depth);
      case Kind::dict:
        return dict(value.as<Dict>(), depth);
      case Kind::range:
        return range(value.as<Range>());
      case Kind::space:
        out_ += "<Namespace ";
        HEARTH_CHECK(dict(value.as<Namespace>().attributes, depth));
        out_ += ">";
        return {};
      case Kind::callable:
        out_ += "<" + std::string(value.as<Callable>().name()) + ">";
        return {};
      case Kind::generator:
      case Kind::loop:
      case Kind::plain:
        out_ += "<" + std::string(type_name(value)) + ">";
        return {};
    }
    return {};
  }

  Result<void> array(const Value& value, std::string_view open, std::string_view close, int depth) {
    out_ += open;
    bool first = true;
    for (const Value& element : value.as<Array>().items) {
      if (!first) out_ += ", ";
      first = false;
      HEARTH_CHECK(repr(element, depth + 1));
    }
    out_ += close;
    return {};
  }

  Result<void> dict(const Dict& dict, int depth) {
    out_ += "{";
    bool first = true;
    for (const auto& [key, element] : dict.entries) {
      if (!first) out_ += ", ";
      first = false;
      HEARTH_CHECK(repr(key, depth + 1));
      out_ += ": ";
      HEARTH_CHECK(repr(element, depth + 1));
    }
    out_ += "}";
    return {};
  }

  Result<void> range(const Range& r) {
    out_ += "range(" + std::to_string(r.start) + ", " + std::to_string(r.stop);
    out_ += r.step == 1 ? ")" : ", " + std::to_string(r.step) + ")";
    return {};
  }

  Runtime& rt_;
  std::string& out_;
};

}  // namespace

/// The shortest digits that read back as the same value; an exponent below 1e-4 and from 1e16 on.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 400> buffer;
  const double magnitude = std::fabs(value);
  const bool exponent = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16);
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     exponent ? std::chars_format::scientific : std::chars_format::fixed);
  std::string text(buffer.data(), written.ptr);
  if (!exponent && text.find('.') == std::string::npos) text += ".0";
  return text;
}

Result<std::string> to_repr(Runtime& rt, const Value& value) {
  std::string out;
  HEARTH_CHECK(Printer(rt, out).repr(value));
  return out;
}

Result<std::string> to_text(Runtime& rt, const Value& value) {
  HEARTH_CHECK(rt.step(value.is_text() ? value.text().size() : 0));
  if (value.is_text()) return std::string(value.text());
  if (value.is(Kind::undefined)) return std::string();
  return to_repr(rt, value);
}

}  // namespace hearth::text::jinja
