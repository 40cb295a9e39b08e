// Enters: --grammar, --json-schema, --regex and --grammar-trigger. Leaves: what a generated text must look like.
#include "constraint_options.h"

#include "options.h"
#include "text_input.h"

namespace hearth::cli {

void ConstraintOptions::declare(CLI::App& app, GenerateOptions& generate) {
  CLI::Option* grammar = add_text(app, "--grammar", "FILE", grammar_, "the text is one of this GBNF grammar");
  CLI::Option* schema =
      add_text(app, "--json-schema", "FILE", json_schema_, "the text is JSON, valid against this schema");
  CLI::Option* regex =
      add_text(app, "--regex", "REGEX", generate.regex, "the whole text matches this regular expression");
  add_texts(app, "--grammar-trigger", "TEXT", generate.grammar_triggers,
            "the text is free until this came, then as the grammar says; may be given again");
  grammar->excludes(schema)->excludes(regex);
  schema->excludes(regex);
}

Result<void> ConstraintOptions::read(GenerateOptions& generate) const {
  for (const auto& [path, text] : {std::pair{&grammar_, &generate.grammar}, {&json_schema_, &generate.json_schema}}) {
    if (!path->has_value()) continue;
    auto read = read_text_file(**path);
    if (!read) return read.error();
    *text = std::move(*read);
  }
  return {};
}

}  // namespace hearth::cli
