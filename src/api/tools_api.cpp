// Enters: a path, or nothing. Leaves: what tools.hpp promises about files and machines; no exception passes.
#include <exception>
#include <new>

#include <hearth/tools.hpp>

#include "escape.h"
#include "gguf_reader.h"
#include "machine.h"
#include "report.h"
#include "tokenizer.h"
#include "try.h"

namespace hearth::tools {
namespace {

MappedFile::Access access(bool mmap) { return mmap ? MappedFile::Access::map : MappedFile::Access::read; }

/// The standard library throws where memory ends; here that becomes a value.
template <class Call>
auto guarded(std::string_view doing, Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return Error(Status::out_of_memory, "not enough memory; " + std::string(doing) + "; free memory and try again");
  } catch (const std::exception& defect) {
    return Error(Status::internal, escape(defect.what()) + "; " + std::string(doing) + "; this is a defect in Hearth, please report it");
  }
}

}  // namespace

Result<MachineInfo> machine_info(bool measure) {
  return guarded("describing the machine", [&] { return inspect::machine(measure); });
}

Result<FileReport> inspect(const std::string& path, std::size_t limit, bool mmap) {
  return guarded("inspecting a file", [&]() -> Result<FileReport> {
    HEARTH_TRY(const gguf::File file, gguf::File::open(path, access(mmap)));
    return hearth::inspect::report(file, limit);
  });
}

/// The tokenizer's texts lie in the file's bytes, so the two stay together.
class Tokenizer::Impl {
 public:
  Impl(gguf::File file, text::Tokenizer tokenizer) : file_(std::move(file)), tokenizer(std::move(tokenizer)) {}

 private:
  gguf::File file_;

 public:
  const text::Tokenizer tokenizer;
};

Result<Tokenizer> Tokenizer::open(const std::string& path, bool mmap) {
  return guarded("opening a tokenizer", [&]() -> Result<Tokenizer> {
    HEARTH_TRY(auto file, gguf::File::open(path, access(mmap)));
    HEARTH_TRY(auto tokenizer, text::Tokenizer::from(file));
    return Tokenizer(std::make_shared<const Impl>(std::move(file), std::move(tokenizer)));
  });
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text, bool special, bool parse) const {
  return guarded("tokenizing", [&] { return impl_->tokenizer.encode(text, {.add_special = special, .parse_special = parse}); });
}

Result<std::string> Tokenizer::decode(std::span<const std::int32_t> ids) const {
  return guarded("decoding tokens", [&] { return impl_->tokenizer.decode(ids); });
}

}  // namespace hearth::tools
