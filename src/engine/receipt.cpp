// Enters: a text that a model has made. Leaves: a receipt of it; and whether a receipt's text comes out the same again.
#include "receipt.h"

#include <algorithm>
#include <filesystem>

#include "model_identity.h"
#include "receipt_json.h"
#include "sequence.h"
#include "try.h"

namespace hearth::engine {
namespace {

std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  return failed ? path : whole.lexically_normal().string();
}

/// The options that can change a token, and no others.
GenerateOptions decisive(const GenerateOptions& o) {
  return {.max_tokens = o.max_tokens,
          .sampling = o.sampling,
          .stop = o.stop,
          .echo = o.echo,
          .special = o.special,
          .grammar = o.grammar,
          .json_schema = o.json_schema,
          .regex = o.regex,
          .grammar_triggers = o.grammar_triggers,
          .reasoning_opens = o.reasoning_opens,
          .reasoning_closes = o.reasoning_closes};
}

Error unusable(const std::string& what, std::string_view to_do) {
  return Error(Status::invalid_argument, what + "; making a receipt; " + std::string(to_do));
}

std::string in_words(std::span<const tools::FileDigest> files) {
  std::string words;
  for (const tools::FileDigest& file : files) words.append(words.empty() ? "sha256 " : " ").append(file.sha256);
  return words.empty() ? "no file" : words;
}

/// Whether files hold the same bytes; their names may differ.
bool same_bytes(std::span<const tools::FileDigest> a, std::span<const tools::FileDigest> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.bytes == y.bytes && x.sha256 == y.sha256; });
}

Result<void> check_same_grounds(const LoadedModel& model, const tools::Receipt& receipt,
                                std::span<const tools::FileDigest> files) {
  if (receipt.arithmetic != static_cast<int>(kArithmetic))
    return Error(Status::unsupported, "the receipt's numbers come by arithmetic " + std::to_string(receipt.arithmetic) +
                                          ", this version of Hearth has " + std::to_string(kArithmetic) +
                                          "; replay; use a version that has the receipt's");
  if (!same_bytes(receipt.files, files))
    return Error(Status::invalid_argument, "the receipt is another model's: " + in_words(receipt.files) +
                                               ", this has " + in_words(files) +
                                               "; replay; name the model that the receipt was made with");
  if (receipt.tokenizer_sha256 != tokenizer_identity(model.file()))
    return Error(Status::malformed,
                 "the receipt's tokenizer_sha256 is not that of its model; replay; use the receipt as "
                 "it was written");
  return {};
}

/// One token more than the receipt's at most: that is enough to see that a text goes on. A text that somebody cut short is
/// cut there again.
std::int64_t most_tokens(const tools::Receipt& receipt) {
  const auto n = static_cast<std::int64_t>(receipt.tokens.size());
  if (receipt.finish == Finish::cancelled) return n;
  return receipt.generate.max_tokens < 0 ? n + 1 : std::min(receipt.generate.max_tokens, n + 1);
}

}  // namespace

Result<tools::Receipt> make_receipt(const Context& context, const GenerateOptions& options, const Reply& reply,
                                    std::optional<std::string_view> chat_template,
                                    std::vector<tools::FileDigest> files) {
  const auto all = context.tokens();
  const std::size_t n = reply.tokens.size();
  if (n >= all.size() ||
      !std::equal(reply.tokens.begin(), reply.tokens.end(), all.end() - static_cast<std::ptrdiff_t>(n)))
    return unusable("the session's text does not end with this reply", "ask for it before the session goes on");
  const auto prompt = all.first(all.size() - n);
  if (options.echo && reply.n_prompt != static_cast<std::int64_t>(prompt.size()))
    return unusable("echo repeats a part of the text before the reply", "leave echo out, or begin a new session");
  if (files.size() != context.model().file().shards().size())
    return unusable("the digests are not those of the model's files", "pass what file_digests() has given");
  const ModelInfo& info = context.model().info();
  tools::Receipt receipt;
  receipt.hearth = HEARTH_VERSION;
  receipt.arithmetic = static_cast<int>(kArithmetic);
  receipt.path = absolute(info.path);
  receipt.files = std::move(files);
  receipt.tokenizer_sha256 = tokenizer_identity(context.model().file());
  if (chat_template) receipt.template_sha256 = sha256_of(*chat_template);
  receipt.n_ctx = context.n_ctx();
  receipt.kv = context.options().kv;
  receipt.generate = decisive(options);
  receipt.prompt.assign(prompt.begin(), prompt.end());
  receipt.tokens = reply.tokens;
  receipt.finish = reply.finish;
  receipt.logits_hash = reply.logits_hash;
  receipt.isa = info.isa;
  receipt.device = info.device;
  receipt.threads = info.threads;
  receipt.chunk = context.chunk();
  return receipt;
}

Result<tools::Replay> replay(std::shared_ptr<const LoadedModel> model, const tools::Receipt& receipt,
                             std::span<const tools::FileDigest> files, const tools::ReplayOptions& options) {
  HEARTH_CHECK(check_same_grounds(*model, receipt, files));
  SessionOptions session{.n_ctx = receipt.n_ctx, .kv = receipt.kv, .chunk = options.chunk, .reuse = false};
  HEARTH_TRY(auto sequence, Sequence::make(std::move(model), session));
  GenerateOptions generate = decisive(receipt.generate);
  generate.max_tokens = most_tokens(receipt);
  generate.on_progress = options.on_progress;
  generate.cancelled = options.cancelled;
  tools::Replay replay;
  HEARTH_TRY(replay.reply, sequence->generate_from(receipt.prompt, generate, {}));
  const Reply& reply = replay.reply;
  if (reply.finish == Finish::cancelled)
    return Error(Status::cancelled, "the call was cancelled; replay; start it again");
  const auto [expected, found] =
      std::mismatch(receipt.tokens.begin(), receipt.tokens.end(), reply.tokens.begin(), reply.tokens.end());
  if (expected != receipt.tokens.end() || found != reply.tokens.end())
    replay.differs = expected - receipt.tokens.begin();
  replay.same_finish = receipt.finish == Finish::cancelled || receipt.finish == reply.finish;
  replay.same_logits = receipt.logits_hash == reply.logits_hash;
  return replay;
}

}  // namespace hearth::engine
