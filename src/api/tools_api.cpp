// Enters: a path, or nothing. Leaves: what tools.hpp promises about files and machines; no exception passes.
#include <hearth/tools.hpp>

#include "chat_template.h"
#include "check.h"
#include "convert.h"
#include "gguf_reader.h"
#include "guarded.h"
#include "hf_tokenizer.h"
#include "jinja_strftime.h"
#include "jinja_template.h"
#include "machine.h"
#include "report.h"
#include "tokenizer.h"
#include "try.h"

namespace hearth::tools {
namespace {

MappedFile::Access access(bool mmap) { return mmap ? MappedFile::Access::map : MappedFile::Access::read; }

}  // namespace

Result<MachineInfo> machine_info(bool measure) {
  return guarded([&] { return inspect::machine(measure); });
}

Result<FileReport> inspect(const std::string& path, std::size_t limit, bool mmap) {
  return guarded([&]() -> Result<FileReport> {
    HEARTH_TRY(const gguf::File file, gguf::File::open(path, access(mmap)));
    return hearth::inspect::report(file, limit);
  });
}

Result<std::vector<Finding>> check(const std::string& path, const CheckOptions& options) {
  return guarded([&] { return hearth::inspect::check(path, options); });
}

Result<ConvertReport> convert(const std::string& folder, const std::string& out, const ConvertOptions& options) {
  return guarded([&] { return hearth::convert::convert(folder, out, options); });
}

Result<std::string> render(std::string_view chat_template, std::string_view variables, std::string_view now) {
  return guarded([&]() -> Result<std::string> {
    HEARTH_TRY(const text::jinja::Moment moment, text::jinja::moment_or_now(now));
    HEARTH_TRY(const auto parsed, text::jinja::Template::parse(chat_template));
    return parsed.render(variables, moment);
  });
}

Result<std::string> chat_template(const std::string& path, bool with_tools, bool mmap) {
  return guarded([&]() -> Result<std::string> {
    HEARTH_TRY(const gguf::File file, gguf::File::open(path, access(mmap)));
    HEARTH_TRY(const std::string_view source, text::chat_template_source(file, with_tools));
    return std::string(source);
  });
}

/// The tokenizer's texts lie in the file's bytes, so the two stay together; a tokenizer.json's are its own.
class Tokenizer::Impl {
 public:
  Impl(std::optional<gguf::File> from, text::Tokenizer made) : file(std::move(from)), tokenizer(std::move(made)) {}

  const std::optional<gguf::File> file;
  const text::Tokenizer tokenizer;
};

Result<Tokenizer> Tokenizer::open(const std::string& path, bool mmap, const std::string& pre) {
  return guarded([&]() -> Result<Tokenizer> {
    if (path.ends_with(".json")) {
      if (!pre.empty())
        return Error(Status::invalid_argument, "a tokenizer.json has its own pre-tokenizer; --pre; leave it out");
      HEARTH_TRY(auto tokenizer, text::open_tokenizer_json(path));
      return Tokenizer(std::make_shared<const Impl>(std::nullopt, std::move(tokenizer)));
    }
    HEARTH_TRY(auto file, gguf::File::open(path, access(mmap)));
    HEARTH_TRY(auto tokenizer, text::Tokenizer::from(file, {.pre = pre}));
    return Tokenizer(std::make_shared<const Impl>(std::move(file), std::move(tokenizer)));
  });
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text, bool special, bool parse) const {
  return guarded([&] { return impl_->tokenizer.encode(text, {.add_special = special, .parse_special = parse}); });
}

Result<std::string> Tokenizer::decode(std::span<const std::int32_t> ids) const {
  return guarded([&] { return impl_->tokenizer.decode(ids); });
}

}  // namespace hearth::tools
