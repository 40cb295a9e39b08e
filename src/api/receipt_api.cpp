// The C++ border for receipts: thin, and nothing thrown crosses it.
#include <algorithm>
#include <filesystem>
#include <hearth/tools.hpp>

#include "atomic_file.h"
#include "chat_template.h"
#include "chat_turn.h"
#include "escape.h"
#include "guarded.h"
#include "model_digest.h"
#include "model_impl.h"
#include "receipt.h"
#include "receipt_json.h"
#include "receipt_tree.h"
#include "session_impl.h"
#include "try.h"

namespace hearth::tools {

Result<std::vector<FileDigest>> file_digests(const Model& model, const DigestOptions& options) {
  return guarded([&] {
    const engine::LoadedModel& loaded = *model.impl()->model;
    return engine::file_digests(loaded.file(), loaded.info().weights == Weights::repacked, options);
  });
}

Result<Receipt> make_receipt(const Session& session, const GenerateOptions& options, const Reply& reply,
                             std::vector<FileDigest> files) {
  return guarded([&] {
    return engine::make_receipt(session.impl().sequence->context(), options, reply, std::nullopt, std::move(files));
  });
}

Result<Receipt> make_receipt(const Session& session, const ChatOptions& options, const ChatReply& reply,
                             std::vector<FileDigest> files) {
  return guarded([&]() -> Result<Receipt> {
    const engine::Context& context = session.impl().sequence->context();
    std::string_view source = options.chat_template;
    if (source.empty()) {
      HEARTH_TRY(source, text::chat_template_source(context.model().file(), !options.tools.empty()));
    }
    const auto all = context.tokens();
    const auto prompt = all.first(all.size() - std::min(all.size(), reply.generation.tokens.size()));
    HEARTH_TRY(const GenerateOptions generate, engine::as_chat(options, source, context.model().tokenizer(), prompt));
    return engine::make_receipt(context, generate, reply.generation, source, std::move(files));
  });
}

Result<std::string> to_json(const Receipt& receipt) {
  return guarded([&] { return engine::to_json(receipt); });
}

Result<Receipt> read_receipt(std::string_view json) {
  return guarded([&] { return engine::read_receipt(json, "receipt"); });
}

Result<Receipt> load_receipt(const std::string& path) {
  return guarded([&]() -> Result<Receipt> {
    std::error_code failed;  // what cannot be asked cannot be opened either
    if (const auto bytes = std::filesystem::file_size(path, failed); !failed && bytes > engine::kMaxReceiptBytes)
      return engine::too_long_receipt(bytes, quoted_path(path));
    HEARTH_TRY(const MappedFile file, MappedFile::open(path, MappedFile::Access::read));
    return engine::read_receipt({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()},
                                quoted_path(path));
  });
}

Result<void> save_receipt(const Receipt& receipt, const std::string& path) {
  return guarded([&]() -> Result<void> {
    HEARTH_TRY(const std::string json, engine::to_json(receipt));
    HEARTH_TRY(AtomicFile file, AtomicFile::create(path));
    HEARTH_CHECK(file.write(std::as_bytes(std::span(json))));
    return file.commit();
  });
}

Result<void> check_writable(const std::string& path) {
  return guarded([&]() -> Result<void> {
    HEARTH_TRY(const AtomicFile file, AtomicFile::create(path));
    return {};
  });
}

Result<Replay> replay(const Model& model, const Receipt& receipt, std::span<const FileDigest> files,
                      const ReplayOptions& options) {
  return guarded([&] { return engine::replay(model.impl()->model, receipt, files, options); });
}

}  // namespace hearth::tools
