// Enters: a path, or nothing. Leaves: what tools.hpp promises about files and machines; no exception passes.
#include <hearth/tools.hpp>

#include "border.h"
#include "chat_template.h"
#include "gguf_reader.h"
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
  return api::guarded([&] { return inspect::machine(measure); });
}

Result<FileReport> inspect(const std::string& path, std::size_t limit, bool mmap) {
  return api::guarded([&]() -> Result<FileReport> {
    HEARTH_TRY(const gguf::File file, gguf::File::open(path, access(mmap)));
    return hearth::inspect::report(file, limit);
  });
}

Result<std::string> render(std::string_view chat_template, std::string_view variables, std::string_view now) {
  return api::guarded([&]() -> Result<std::string> {
    HEARTH_TRY(const text::jinja::Moment moment, text::jinja::moment_or_now(now));
    HEARTH_TRY(const auto parsed, text::jinja::Template::parse(chat_template));
    return parsed.render(variables, moment);
  });
}

Result<std::string> chat_template(const std::string& path, bool with_tools, bool mmap) {
  return api::guarded([&]() -> Result<std::string> {
    HEARTH_TRY(const gguf::File file, gguf::File::open(path, access(mmap)));
    HEARTH_TRY(const std::string_view source, text::chat_template_source(file, with_tools));
    return std::string(source);
  });
}

/// The tokenizer's texts lie in the file's bytes, so the two stay together.
class Tokenizer::Impl {
 public:
  Impl(gguf::File from, text::Tokenizer made) : file(std::move(from)), tokenizer(std::move(made)) {}

  const gguf::File file;
  const text::Tokenizer tokenizer;
};

Result<Tokenizer> Tokenizer::open(const std::string& path, bool mmap) {
  return api::guarded([&]() -> Result<Tokenizer> {
    HEARTH_TRY(auto file, gguf::File::open(path, access(mmap)));
    HEARTH_TRY(auto tokenizer, text::Tokenizer::from(file));
    return Tokenizer(std::make_shared<const Impl>(std::move(file), std::move(tokenizer)));
  });
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text, bool special, bool parse) const {
  return api::guarded([&] { return impl_->tokenizer.encode(text, {.add_special = special, .parse_special = parse}); });
}

Result<std::string> Tokenizer::decode(std::span<const std::int32_t> ids) const {
  return api::guarded([&] { return impl_->tokenizer.decode(ids); });
}

}  // namespace hearth::tools
