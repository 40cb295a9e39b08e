// Hearth runs quantized transformer models on the machine in front of you. This header is the whole C++ API for running them;
// tools.hpp has what works on model files. Nothing here throws, prints, exits or touches the network.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#ifndef HEARTH_API
#if defined(__GNUC__)
#define HEARTH_API __attribute__((visibility("default")))
#else
#define HEARTH_API
#endif
#endif

namespace hearth {

class Session;

/// How weights lie in memory. The answer is the same bits either way. `automatic` repacks when weights, KV and scratch fit in
/// 70% of what the container or machine grants, else it runs straight from the file.
enum class Weights { automatic, file, repacked };

/// The type keys and values are stored in. f16 rounds to nearest even; q8_0 takes half of its memory and needs heads of 32 n.
enum class Kv { f16, f32, q8_0 };

/// Called with how much of a call is done, 0 to 1. Returning false cancels it.
using OnProgress = std::function<bool(double done)>;

struct ModelOptions {
  int threads = 0;    ///< 0: what affinity and cgroups really grant; else 1 to 1024
  std::string isa{};  ///< a name from machine_info().isas; empty: the fastest that runs here
  Weights weights = Weights::automatic;
  bool mmap = true;   ///< false: read the file into memory, immune to others changing it
  std::string pre{};  ///< a pre-tokenizer's name in place of the file's tokenizer.ggml.pre; empty: the file's
  OnProgress on_progress{};
  const std::atomic<bool>* cancel =
      nullptr;  ///< set by any thread or signal handler, it ends opening: Status::cancelled
};

struct SessionOptions {
  std::int64_t n_ctx = 0;  ///< positions; 0: the smaller of the model's and what memory fits
  Kv kv = Kv::f16;
  std::int64_t chunk = 512;  ///< prompt tokens per forward pass, 1 to 4096
};

/// Called while a prompt is read, with its tokens read so far and all of them. Returning false cancels.
using OnPrompt = std::function<bool(std::int64_t n_read, std::int64_t n_prompt)>;

/// Applied in this order: repeat penalty, top-k, top-p, min-p, temperature, draw. The same seed gives the same tokens on
/// every machine: the randomness belongs to the position a token takes.
struct SamplingOptions {
  float temp = 0.0f;              ///< 0: greedy
  std::int32_t top_k = 0;         ///< 0: off
  float top_p = 1.0f;             ///< 1: off
  float min_p = 0.0f;             ///< 0: off
  float repeat_penalty = 1.0f;    ///< 1: off
  std::int32_t repeat_last = 64;  ///< tokens looked back on by the penalty; -1: all
  std::uint64_t seed = 0;
};

struct GenerateOptions {
  std::int64_t max_tokens = -1;  ///< -1: to the end of text or of the context
  SamplingOptions sampling{};
  std::vector<std::string> stop{};  ///< the text ends before the first of these
  bool echo = false;                ///< the prompt's text comes first
  bool special = false;             ///< control tokens are spelled out in the text
  /// Set by any thread or signal handler, it ends the call with Finish::cancelled before the next pass.
  const std::atomic<bool>* cancel = nullptr;
  OnPrompt on_prompt{};
};

/// Why a text ended.
enum class Finish { end_of_text, stop_string, max_tokens, context_full, cancelled };

/// What a call made and what it took. Nothing was cut without `finish` saying so.
struct Reply {
  std::string text;
  std::vector<std::int32_t> tokens;  ///< generated, the end-of-generation token included
  Finish finish = Finish::end_of_text;
  std::int64_t n_prompt = 0;  ///< prompt tokens, BOS included
  double prefill_seconds = 0, decode_seconds = 0;
  std::uint64_t logits_hash = 0;  ///< FNV-1a of the last logits' bits: equal on every machine
};

/// A call of a tool, as a model asks for it and as a later message repeats it.
struct ToolCall {
  std::string id, name;
  std::string arguments = "{}";  ///< a JSON object's text
};

/// One turn of a conversation.
struct ChatMessage {
  std::string role;  ///< system, user, assistant, tool, or what else the template knows
  std::string content{};
  std::vector<std::string>
      parts{};  ///< texts in place of `content`: the template gets a list of {"type": "text", "text": …}
  std::string reasoning{};
  std::vector<ToolCall> tool_calls{};
  std::string tool_call_id{}, name{};  ///< of a tool's answer
};

/// What becomes of a conversation that is longer than the context: context_full with both counts, or the oldest turns are left
/// out: whole ones, from a user's message to the next user's, until a quarter of the context (or max_tokens, if those are
/// fewer) is free. System messages and the last turn always stay. The reply says how many messages were left out.
enum class Overflow { error, drop_oldest_turns };

struct ChatOptions {
  GenerateOptions generate{.sampling = {.temp = 0.8f, .min_p = 0.05f}};
  std::string tools{};      ///< a JSON array, each {"type": "function", "function": {"name": …, "parameters": …}}
  std::string variables{};  ///< a JSON object of more variables for the template: {"enable_thinking": false}
  std::string chat_template{};  ///< Jinja source; empty: the model's own
  std::string now{};            ///< what strftime_now sees, "2026-11-22T09:30:00"; empty: the local time
  Overflow overflow = Overflow::error;
};

/// An answer, split as the model's reply format says. What could not be read is in `parse_error`; `raw` has everything, the
/// other texts are sound UTF-8: a byte that is none is U+FFFD there.
struct ChatReply {
  std::string content, reasoning;
  std::vector<ToolCall> tool_calls;
  std::optional<std::string> parse_error;
  std::string raw;                      ///< the whole text, control tokens spelled out
  Reply generation;                     ///< tokens, times, why it ended; its text is `raw`
  std::int64_t n_reused = 0;            ///< prompt tokens that the session had computed before
  std::int64_t n_dropped_messages = 0;  ///< of the conversation, left out of the prompt
};

/// Called with each piece of text, whole UTF-8 characters. Returning false stops the generation.
using OnText = std::function<bool(std::string_view piece)>;

struct ModelInfo {
  std::string name, architecture, path;
  std::int64_t n_layer = 0, n_head = 0, n_kv_head = 0, head_dim = 0, dim = 0, ffn_dim = 0, n_vocab = 0, n_ctx_train = 0;
  std::uint64_t weights_bytes = 0, n_parameters = 0;
  std::string isa;
  int threads = 0;
  Weights weights = Weights::automatic;  ///< what was chosen: file or repacked
};

/// What running a model takes and how it is done, from the file's header alone: nothing is loaded. Loading asks the same
/// functions, so on a machine that does not change meanwhile this is what then happens, to the byte.
struct Plan {
  std::string path, name, architecture;
  std::string tokenizer;      ///< "llama", "gpt2 qwen2", …
  std::string chat_template;  ///< how its replies are written: "chatml", …; empty: the model has no template
  std::string isa;
  int threads = 0;
  Weights weights = Weights::automatic;  ///< file or repacked
  Kv kv = Kv::f16;
  std::int64_t n_ctx = 0, n_ctx_train = 0, chunk = 0, batch = 1;
  std::uint64_t weights_bytes = 0;  ///< what stays in memory: repacked copies, and what is used of the file
  std::uint64_t kv_bytes = 0;       ///< keys and values of `batch` full contexts
  std::uint64_t scratch_bytes = 0;  ///< what passes write besides
  std::uint64_t total_bytes = 0;    ///< of these three
  std::uint64_t allocated_bytes =
      0;  ///< of the total, what the library allocates; the rest are pages of the mapped file
  std::uint64_t available_bytes = 0;                      ///< what the machine or container can still give
  bool fits = false;                                      ///< total <= available
  double read_gbps = 0, decode_tps = 0, prefill_tps = 0;  ///< tokens a second at short contexts; 0: not forecast
};

/// `batch`: sequences computed together. `forecast` measures this machine for a second; without it the speeds are 0.
HEARTH_API Result<Plan> plan(const std::string& path, const ModelOptions& model = {},
                             const SessionOptions& session = {}, std::int64_t batch = 1, bool forecast = true);

/// A model file ready to run: immutable, shared by any number of sessions on any threads. Copies share it.
class HEARTH_API Model {
 public:
  /// Opens a .gguf (the first shard of a split one). Everything in it is checked before it is used.
  static Result<Model> open(const std::string& path, const ModelOptions& options = {});

  /// A conversation with an own KV cache.
  Result<Session> session(const SessionOptions& options = {}) const;

  const ModelInfo& info() const;

  /// Text to token ids; `special` adds BOS/EOS as the model's metadata says, `parse` turns special-token text into ids.
  Result<std::vector<std::int32_t>> tokenize(std::string_view text, bool special = false, bool parse = false) const;
  Result<std::string> detokenize(std::span<const std::int32_t> ids) const;

  class Impl;
  explicit Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// One sequence of tokens and its KV cache. Keeps its model alive. Not for two threads at once.
class HEARTH_API Session {
 public:
  /// Continues the session's text with `prompt` (BOS first where the model wants one and the session is empty), then generates.
  /// A prompt longer than the context is context_full with both numbers, and changes nothing.
  Result<Reply> generate(std::string_view prompt, const GenerateOptions& options = {}, const OnText& on_text = {});

  /// The same from token ids, as they are.
  Result<Reply> generate_from(std::span<const std::int32_t> ids, const GenerateOptions& options = {},
                              const OnText& on_text = {});

  /// The next turn of the session's conversation, through the model's chat template. `on_text` gets the content alone.
  Result<ChatReply> chat(std::string_view text, const OnText& on_text = {});
  Result<ChatReply> chat(std::string_view text, const ChatOptions& options, const OnText& on_text = {});

  /// A whole conversation, which becomes the session's. Positions that begin with the same tokens are not computed again.
  /// A failure changes nothing but those positions. A model without a template: not_found.
  Result<ChatReply> chat(std::span<const ChatMessage> messages, const ChatOptions& options, const OnText& on_text = {});

  /// Appends `ids` and hands each position's logits [n_vocab] to `on_logits`, in order; returning false stops.
  Result<void> evaluate(std::span<const std::int32_t> ids,
                        const std::function<bool(std::span<const float> logits)>& on_logits);

  std::int64_t n_ctx() const;
  std::int64_t n_past() const;  ///< positions taken so far
  void reset();                 ///< forgets all positions and the conversation

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth
