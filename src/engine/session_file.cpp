// Enters: a session. Leaves: a file from which the same model goes on with the same bits; and back.
#include "session_file.h"

#include <algorithm>
#include <cstring>
#include <hearth/tools.hpp>

#include "atomic_file.h"
#include "escape.h"
#include "mapped_file.h"
#include "model_identity.h"
#include "progress.h"
#include "try.h"

namespace hearth::engine {
namespace {

constexpr std::string_view kMagic = "HEARTHKV";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHexBytes = 64;                 // of a SHA-256
constexpr std::size_t kPiece = std::size_t{1} << 20;  // hashed before somebody is heard
constexpr const char* kNotSaved = "; saving the session; what was there is untouched";
constexpr const char* kNotRestored = "; restoring the session; restore it again";
using Watch = Progress<CallOptions>;

class Writer {
 public:
  explicit Writer(AtomicFile& file) : file_(file) {}
  void bytes(std::span<const std::byte> bytes) {
    if (!done_) return;
    hash_.update(bytes);
    done_ = file_.write(bytes);
  }
  template <class T> void number(T value) { bytes(std::as_bytes(std::span(&value, 1))); }
  void raw(std::string_view text) { bytes(std::as_bytes(std::span(text))); }
  void text(std::string_view text) {
    number<std::uint64_t>(text.size());
    raw(text);
  }
  Result<void> finish() {
    raw(hash_.hex());
    return done_;
  }

 private:
  AtomicFile& file_;
  tools::Sha256 hash_;
  Result<void> done_;
};

/// Reads within bounds; what is not there is zeros, and `sound` is false from then on.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}
  bool sound() const { return sound_; }
  bool at_end() const { return sound_ && rest_.empty(); }

  std::span<const std::byte> bytes(std::uint64_t n) {
    sound_ = sound_ && n <= rest_.size();
    if (!sound_) return {};
    const auto taken = rest_.first(static_cast<std::size_t>(n));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  template <class T> T number() {
    T value{};
    if (const auto taken = bytes(sizeof value); sound_) std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }
  /// How many elements follow, each of `least` bytes at least: never more than there can be.
  std::size_t count(std::size_t least) {
    const auto n = number<std::uint64_t>();
    sound_ = sound_ && n <= rest_.size() / least;
    return sound_ ? static_cast<std::size_t>(n) : 0;
  }
  std::string text() { return raw(count(1)); }
  std::string raw(std::size_t n) {
    const auto taken = bytes(n);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

 private:
  std::span<const std::byte> rest_;
  bool sound_ = true;
};

std::int64_t pages_of(std::int64_t n) { return (n + kernels::kPage - 1) / kernels::kPage; }

void write(Writer& to, const ChatMessage& m) {
  for (const std::string* text : {&m.role, &m.content, &m.reasoning, &m.tool_call_id, &m.name}) to.text(*text);
  to.number<std::uint64_t>(m.parts.size());
  for (const std::string& part : m.parts) to.text(part);
  to.number<std::uint64_t>(m.tool_calls.size());
  for (const ToolCall& call : m.tool_calls)
    for (const std::string* text : {&call.id, &call.name, &call.arguments}) to.text(*text);
}

ChatMessage read_message(Reader& from) {
  ChatMessage m;
  for (std::string* text : {&m.role, &m.content, &m.reasoning, &m.tool_call_id, &m.name}) *text = from.text();
  m.parts.resize(from.count(sizeof(std::uint64_t)));
  for (std::string& part : m.parts) part = from.text();
  m.tool_calls.resize(from.count(3 * sizeof(std::uint64_t)));
  for (ToolCall& call : m.tool_calls)
    for (std::string* text : {&call.id, &call.name, &call.arguments}) *text = from.text();
  return m;
}

/// The pages that the text's computed positions stand in, of the layers that have this window.
Result<void> write_window(Writer& to, const Context& context, std::size_t window, Watch& watch) {
  const model::KvCache::Held held = context.cache().held(window);
  const std::int64_t end = pages_of(context.n_computed());
  to.number(held.window);
  to.number<std::uint64_t>(held.page_bytes);
  to.number(std::min(held.first, end));
  std::vector<std::byte> bytes(held.page_bytes);
  for (std::int64_t page = held.first; page < end; ++page) {
    const std::int64_t n_slots = std::min<std::int64_t>(kernels::kPage, context.n_computed() - page * kernels::kPage);
    context.cache().read(window, page, n_slots, bytes.data());  // what was cut off, or guessed, is in no file
    to.bytes(bytes);
    watch.add(bytes.size());
    HEARTH_CHECK(watch.goes_on());
  }
  return {};
}

/// Bytes of all those pages.
std::uint64_t kept_bytes(const Context& context) {
  std::uint64_t bytes = 0;
  for (std::size_t window = 0; window < context.cache().n_windows(); ++window) {
    const model::KvCache::Held held = context.cache().held(window);
    bytes += held.page_bytes *
             static_cast<std::uint64_t>(std::max<std::int64_t>(0, pages_of(context.n_computed()) - held.first));
  }
  return bytes;
}

/// False when these are not the pages of such layers.
Result<bool> read_window(Reader& from, model::KvCache& cache, std::size_t index, std::int64_t n_computed) {
  const model::KvCache::Held shape = cache.held(index);
  const auto window = from.number<std::int64_t>();
  const auto page_bytes = from.number<std::uint64_t>();
  const auto first = from.number<std::int64_t>();
  const std::int64_t end = pages_of(n_computed);
  const std::int64_t seen_from = shape.window == 0 ? 0 : std::max<std::int64_t>(0, n_computed - shape.window + 1);
  if (!from.sound() || window != shape.window || page_bytes != shape.page_bytes || first < 0 || first > end ||
      first * kernels::kPage > seen_from)
    return false;
  const auto bytes = from.bytes(saturating_multiply(static_cast<std::uint64_t>(end - first), page_bytes));
  if (!from.sound()) return false;
  HEARTH_CHECK(cache.restore(index, first, bytes));
  return true;
}

Error refused(Status status, const std::string& what, const std::string& path, std::string_view todo) {
  return Error(status, what + "; " + quoted_path(path) + "; " + std::string(todo));
}

Error damaged(const std::string& what, const std::string& path) {
  return refused(Status::malformed, "the saved session " + what, path, "save it again");
}

/// What stands before the checksum, once it is right.
Result<std::span<const std::byte>> checked(std::span<const std::byte> all, const std::string& path, Watch& watch) {
  Reader head(all);
  if (head.raw(kMagic.size()) != kMagic)
    return refused(Status::malformed, "this is no saved session", path, "give a file that save() has made");
  const auto version = head.number<std::uint32_t>();
  if (!head.sound() || all.size() < kHexBytes) return damaged("is cut short", path);
  if (version != kVersion)
    return refused(
        Status::unsupported,
        "the saved session has version " + std::to_string(version) + ", this build reads " + std::to_string(kVersion),
        path, "save it again with this build");
  const auto body = all.first(all.size() - kHexBytes);
  tools::Sha256 hash;
  for (auto rest = body; !rest.empty(); rest = rest.subspan(std::min(kPiece, rest.size()))) {
    const auto piece = rest.first(std::min(kPiece, rest.size()));
    hash.update(piece);
    watch.add(piece.size());
    HEARTH_CHECK(watch.goes_on());
  }
  if (hash.hex() != Reader(all.last(kHexBytes)).raw(kHexBytes))
    return damaged("is cut short or altered: its checksum is wrong", path);
  return body;
}

}  // namespace

Result<void> save_session(const Context& context, std::span<const ChatMessage> conversation, const std::string& path,
                          const CallOptions& options) {
  Watch watch(options, kept_bytes(context), kNotSaved);
  HEARTH_CHECK(watch.goes_on());
  HEARTH_TRY(AtomicFile file, AtomicFile::create(path));
  Writer to(file);
  to.raw(kMagic);
  to.number(kVersion);
  to.number(kArithmetic);
  to.raw(model_identity(context.model().file()));
  to.number(static_cast<std::uint32_t>(context.options().kv));
  to.number(context.n_ctx());
  to.number(context.options().chunk);
  to.number<std::uint64_t>(context.tokens().size());
  to.bytes(std::as_bytes(context.tokens()));
  to.number(context.n_computed());
  to.number<std::uint64_t>(context.cache().n_windows());
  for (std::size_t window = 0; window < context.cache().n_windows(); ++window)
    HEARTH_CHECK(write_window(to, context, window, watch));
  to.number<std::uint64_t>(conversation.size());
  for (const ChatMessage& message : conversation) write(to, message);
  HEARTH_CHECK(context.cache().check_heaps());
  HEARTH_CHECK(to.finish());
  return file.commit();
}

Result<SavedSession> restore_session(std::shared_ptr<const LoadedModel> model, const std::string& path,
                                     const CallOptions& options) {
  constexpr std::uint64_t kTimes = 2;  // that bytes are gone through: they are read and hashed, which takes the time
  HEARTH_CHECK(goes_on(options, 0, kNotRestored));
  HEARTH_TRY(const MappedFile file,
             MappedFile::open(path, MappedFile::Access::read, [&](std::size_t n, std::size_t all) {
               return goes_on(options, static_cast<double>(n) / static_cast<double>(kTimes * all), kNotRestored);
             }));
  Watch watch(options, kTimes * file.bytes().size(), kNotRestored);
  watch.add(file.bytes().size());
  HEARTH_TRY(const std::span<const std::byte> body, checked(file.bytes(), path, watch));
  Reader from(body.subspan(kMagic.size() + sizeof kVersion));
  if (const auto arithmetic = from.number<std::uint32_t>(); arithmetic != kArithmetic)
    return refused(Status::unsupported,
                   "the saved session was computed by arithmetic " + std::to_string(arithmetic) + ", this build has " +
                       std::to_string(kArithmetic),
                   path, "save it again with this build");
  if (from.raw(kHexBytes) != model_identity(model->file()))
    return refused(Status::invalid_argument,
                   "the saved session belongs to another model than " + quoted_path(model->info().path), path,
                   "open the model that it was saved with");
  SessionOptions session;
  const auto kv = from.number<std::uint32_t>();
  session.kv = static_cast<Kv>(kv);
  session.n_ctx = from.number<std::int64_t>();
  session.chunk = from.number<std::int64_t>();
  session.reuse = false;
  std::vector<std::int32_t> tokens(from.count(sizeof(std::int32_t)));
  for (std::int32_t& id : tokens) id = from.number<std::int32_t>();
  const auto n_computed = from.number<std::int64_t>();
  if (!from.sound() || kv >= kernels::kKvTypes.size() || session.n_ctx < 1 || n_computed < 0 ||
      n_computed > static_cast<std::int64_t>(tokens.size()))
    return damaged("contradicts itself", path);
  HEARTH_TRY(Context context, Context::make(std::move(model), session));
  HEARTH_CHECK(context.check_ids(tokens));
  HEARTH_CHECK(context.check_length(static_cast<std::int64_t>(tokens.size())));
  model::KvCache cache = context.cache();
  if (from.number<std::uint64_t>() != cache.n_windows()) return damaged("has other layers than its model", path);
  for (std::size_t window = 0; window < cache.n_windows(); ++window) {
    HEARTH_TRY(const bool fits, read_window(from, cache, window, n_computed));
    if (!fits) return damaged("has other layers than its model", path);
    HEARTH_CHECK(watch.goes_on());
  }
  std::vector<ChatMessage> conversation(from.count(7 * sizeof(std::uint64_t)));
  for (ChatMessage& message : conversation) message = read_message(from);
  if (!from.at_end()) return damaged("contradicts itself", path);
  context.restore(std::move(tokens), n_computed, std::move(cache));
  HEARTH_CHECK(goes_on(options, 1, kNotRestored));
  return SavedSession{std::move(context), std::move(conversation)};
}

}  // namespace hearth::engine
