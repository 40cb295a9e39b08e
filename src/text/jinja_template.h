// Enters: a template's source and its variables. Leaves: the text it renders, as Python's jinja2 does for chat templates.
#pragma once

#include <functional>
#include <hearth/result.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "jinja_runtime.h"

namespace hearth::text::jinja {

/// A parsed template; immutable, so any number of threads may render it. trim_blocks, lstrip_blocks and loopcontrols are on,
/// nothing is escaped, and nothing outside of the variables, the moment and the template itself can be reached.
class Template {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

  /// Sound UTF-8 of at most 1 MiB. Errors name the line.
  static Result<Template> parse(std::string_view source);

  /// `variables`: a JSON object.
  Result<std::string> render(std::string_view variables, const Moment& now, const Limits& limits = {}) const;

  /// The same with variables that are made as values: a dict.
  using MakeVariables = std::function<Result<Value>(Runtime& rt)>;
  Result<std::string> render(const MakeVariables& variables, const Moment& now, const Limits& limits = {}) const;

 private:
  struct Parsed;
  explicit Template(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace hearth::text::jinja
