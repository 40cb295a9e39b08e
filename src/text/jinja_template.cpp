// Enters: a template's source and its variables. Leaves: the text it renders, as Python's jinja2 does for chat templates.
#include "jinja_template.h"

#include "escape.h"
#include "jinja_evaluator.h"
#include "jinja_parser.h"
#include "jinja_unicode.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

/// A template's own words may hold anything; a message is one line.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') out += "\\n";
    else if (byte < 0x20 || byte == 0x7f) append_hex(out.append("\\x"), byte, 2);
    else out += c;
  }
  return out;
}

Error located(const Error& error, int line) {
  const bool limit = error.status() == Status::out_of_memory;
  return Error(error.status(),
               one_line(error.message()) + "; template line " + std::to_string(line) + "; " +
                   (limit ? "give it less, or correct the template" : "correct the template, or what it is given"));
}

}  // namespace

struct Template::Parsed {
  std::string source;
  Ast ast;
};

Result<Template> Template::parse(std::string_view source) {
  if (source.size() > kMaxBytes)
    return Error(Status::malformed, "the template has " + std::to_string(source.size()) +
                                        " bytes; template; give one of at most " + std::to_string(kMaxBytes));
  if (!sound_utf8(source)) return Error(Status::malformed, "the template is not UTF-8; template; convert it");
  auto parsed = std::make_shared<Parsed>();
  parsed->source = normalized(source);
  HEARTH_TRY(parsed->ast, Parser(parsed->source).parse());
  return Template(std::move(parsed));
}

Result<std::string> Template::render(std::string_view variables, const Moment& now, const Limits& limits) const {
  return render([variables](Runtime& rt) { return from_json(rt, variables, "the template's variables"); }, now, limits);
}

Result<std::string> Template::render(const MakeVariables& variables, const Moment& now, const Limits& limits) const {
  Runtime rt(limits, now);
  HEARTH_TRY(const Value dict, variables(rt));
  if (!dict.is(Kind::dict))
    return Error(Status::invalid_argument,
                 "the variables are no JSON object; the template's variables; give an object");
  Evaluator evaluator(rt, parsed_->ast, dict);
  auto text = evaluator.run();
  if (!text) return located(text.error(), rt.line);
  return text;
}

}  // namespace hearth::text::jinja
