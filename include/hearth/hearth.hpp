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

class Model;
class Session;

/// How weights lie in memory. The answer is the same bits either way. `automatic` repacks when weights, KV and scratch fit in
/// 70% of what the container or machine grants, else it runs straight from the file.
enum class Weights { automatic, file, repacked };

/// The type keys and values are stored in. f16 rounds to nearest even; q8_0 takes half of its memory and needs heads of 32 n.
enum class Kv { f16, f32, q8_0 };

/// Called with how much of a call is done, 0 to 1. Returning false cancels it.
using OnProgress = std::function<bool(double done)>;

/// Asked between the steps of a call, where other threads and signal handlers are heard. Returning true cancels it.
using Cancelled = std::function<bool()>;

/// Who watches a call that has no other options.
struct CallOptions {
  OnProgress on_progress{};
  Cancelled cancelled{};  ///< Status::cancelled
};

struct ModelOptions {
  int threads = 0;    ///< 0: what affinity and cgroups really grant; else 1 to 1024
  std::string isa{};  ///< a name from machine_info().isas; empty: the fastest that runs here
  Weights weights = Weights::automatic;
  bool mmap = true;   ///< false: read the file into memory, immune to others changing it
  std::string pre{};  ///< a pre-tokenizer's name in place of the file's tokenizer.ggml.pre; empty: the file's

  /// Bytes of keys and values of all the model's sessions, with the beginnings of texts that are kept for other sessions: those
  /// used longest ago go first, and what then does not fit is out_of_memory. 0: beginnings are kept while all of it fits in a
  /// quarter of the memory that is left, and sessions take what the system grants.
  std::uint64_t kv_budget = 0;

  /// "cpu", "cuda", "cuda:N" or "cuda:N,N…": who computes; of several devices each has some layers, the first the first ones. A
  /// device that is not there is an error, never the CPU.
  std::string device = "cpu";

  /// Layers that the devices have, the first of the model; the CPU has the rest. "all"; a number, which several devices divide so
  /// that each has a part like its part of the memory they have left; one number for each, "20,12"; or "auto": one device after
  /// the other has as many as fit into 70% of the memory it has left, with a context of 4096 positions. What does not fit is an
  /// error with both figures, never the CPU's, except with "auto": the plan says how many there are.
  std::string gpu_layers = "all";

  /// The routed experts of all layers, which are most of such a model, are the CPU's.
  bool cpu_moe = false;

  OnProgress on_progress{};  ///< of opening
  Cancelled cancelled{};     ///< asked while opening: Status::cancelled
};

struct SessionOptions {
  std::int64_t n_ctx = 0;  ///< positions; 0: the smaller of the model's and what memory fits
  Kv kv = Kv::f16;
  std::int64_t chunk = 512;  ///< prompt tokens per forward pass, 1 to 4096

  /// Whether pages of 64 positions are shared with the model's other sessions whose text begins alike. The bits are the same.
  bool reuse = true;
  /// A smaller model that guesses tokens ahead; its vocabulary is the same, but for up to 128 tokens of padding at the end.
  std::shared_ptr<const Model> draft{};
};

/// What is added to one token's logit; -inf forbids it.
struct LogitBias {
  std::int32_t id = 0;
  float bias = 0.0f;
};

/// How a token is chosen. The defaults are greedy and change nothing. Steps always run in this order, those that are off left
/// out (`sampling_steps` lists the others):
///    1. logit bias and banned tokens
///    2. penalties     repeat, then frequency and presence
///    3. dry           against going on as the text went on before
///    4. top-n-sigma   those at most n standard deviations of all logits below the highest
///    5. top-k         the k likeliest
///    6. typical       those whose surprise is nearest to the entropy, until they make up typical_p
///    7. top-p         the likeliest that make up top_p
///    8. min-p         those at least min_p times as likely as the likeliest
///    9. XTC           drawn with its probability: all but the least likely of those at least as likely as the threshold go
///   10. temperature   logits divided by temp
///   11. mirostat      in place of 4 to 9: a cut steered by the surprise of the tokens before
///   12. draw          one token of those left
/// Temperature comes after the cuts, so what they leave does not depend on it. Greedy takes the likeliest after step 3.
/// The same seed gives the same tokens on every machine: the randomness belongs to the position a token takes.
struct SamplingOptions {
  float temp = 0.0f;               ///< [0, inf): 0 is greedy
  float dynatemp_range = 0.0f;     ///< [0, inf): temp goes so far down and up with the entropy of what is left; 0: off
  float dynatemp_exponent = 1.0f;  ///< (0, inf): of that entropy, as a part of the highest possible
  std::int32_t top_k = 0;          ///< [0, 2^31): 0 is off
  float top_p = 1.0f;              ///< [0, 1]: 1 is off
  float min_p = 0.0f;              ///< [0, 1]: 0 is off
  float typical_p = 1.0f;          ///< [0, 1]: 1 is off
  float top_n_sigma = 0.0f;        ///< [0, inf): 0 is off
  float xtc_probability = 0.0f;    ///< [0, 1]: 0 is off
  float xtc_threshold = 0.1f;      ///< [0, 1]: above 0.5 no two tokens reach it
  float repeat_penalty = 1.0f;     ///< (0, inf): 1 is off; logits above 0 are divided by it, others multiplied
  std::int32_t repeat_last = 64;   ///< tokens looked back on by the three penalties; -1: all
  float presence_penalty = 0.0f;   ///< (-inf, inf): subtracted from each token looked back on
  float frequency_penalty = 0.0f;  ///< (-inf, inf): the same, as often as it came
  float dry_multiplier = 0.0f;     ///< [0, inf): 0 is off
  float dry_base = 1.75f;        ///< [1, inf): the penalty is dry_multiplier * dry_base^(length repeated - dry_allowed)
  std::int32_t dry_allowed = 2;  ///< [1, 2^31): the shortest repetition that has a penalty
  std::int32_t dry_last = -1;    ///< tokens looked back on; -1: all
  std::vector<std::string> dry_breakers{"\n", ":", "\"", "*"};  ///< no repetition goes across a token with one of these
  std::int32_t mirostat = 0;                                    ///< 0: off; 1 and 2: its versions
  float mirostat_tau = 5.0f;                                    ///< [0, inf): the surprise aimed at, in bits a token
  float mirostat_eta = 0.1f;                                    ///< [0, inf): how fast it gets there
  std::vector<LogitBias> logit_bias{};
  std::vector<std::int32_t> banned{};  ///< tokens that never come
  std::uint64_t seed = 0;
  std::uint32_t choice = 0;  ///< which of several texts for one prompt: the same seed draws others
};

/// The names of the steps that these settings turn on, in the order they run in.
HEARTH_API std::vector<std::string_view> sampling_steps(const SamplingOptions& sampling);

/// What a model's authors recommend (general.sampling.* of its file). Shown, and used only where a caller says so.
struct RecommendedSampling {
  std::optional<float> temp, top_p, min_p, xtc_probability, xtc_threshold, repeat_penalty, mirostat_tau, mirostat_eta;
  std::optional<std::int32_t> top_k, repeat_last, mirostat;
  std::vector<std::string> not_understood;  ///< keys whose value has another type or is out of range

  /// `otherwise`, with what is recommended put in.
  HEARTH_API SamplingOptions over(SamplingOptions otherwise) const;
  /// "temp 0.7, top_k 20", or nothing.
  HEARTH_API std::string in_words() const;
};

struct GenerateOptions {
  std::int64_t max_tokens = -1;  ///< -1: to the end of text or of the context
  SamplingOptions sampling{};
  std::int32_t logprobs = -1;  ///< the reply has each token's log-probability and those of the N likeliest; -1: none
  std::vector<std::string> stop{};  ///< the text ends before the first of these
  bool echo = false;                ///< the prompt's text comes first
  bool special = false;             ///< control tokens are spelled out in the text

  // What the generated text must look like: at most one of three. What cannot be kept is an error, never ignored.
  std::optional<std::string> grammar{};         ///< GBNF, with a rule named root
  std::optional<std::string> json_schema{};     ///< JSON Schema, draft 2020-12; an unsupported keyword is an error
  std::optional<std::string> regex{};           ///< the whole text matches it
  std::vector<std::string> grammar_triggers{};  ///< the text is free until one of these is complete
  /// No trigger counts from the first of these on until the second is complete, where the text begins so, white space aside;
  /// with the first empty it begins inside. Both empty: each counts.
  std::string reasoning_opens{}, reasoning_closes{};

  /// Tokens guessed ahead and checked in one pass, at most, 0 to 15. A guess is kept if it is the token that would have been
  /// chosen, so no token ever differs; guesses pause where they do not pay. From the draft model, or from the text itself.
  std::int64_t n_draft = 7;
  OnProgress on_progress{};  ///< of reading the prompt in; cancelled there, a call changes nothing
  Cancelled cancelled{};     ///< asked before each pass; while generating it ends the text: Finish::cancelled
  /// Whoever asks for these two is heard within a tenth of a second: a session reads a prompt in passes of that length. False: in
  /// passes of whole chunks, which take less time in all.
  bool short_passes = true;
};

/// Why a text ended.
enum class Finish { end_of_text, stop_string, max_tokens, context_full, cancelled };

/// Natural logarithms of the model's own probabilities: no setting has changed them.
struct TokenLogprob {
  std::int32_t id = 0;
  float logprob = 0.0f;
};
struct TokenLogprobs {
  float logprob = 0.0f;           ///< of the token generated
  std::vector<TokenLogprob> top;  ///< the likeliest first
};

/// What a call made and what it took. Nothing was cut without `finish` saying so.
struct Reply {
  std::string text;
  std::vector<std::int32_t> tokens;  ///< generated, the end-of-generation token included
  Finish finish = Finish::end_of_text;
  std::int64_t n_prompt = 0;                   ///< prompt tokens, BOS included
  std::int64_t n_reused = 0;                   ///< of them, those that this or another session had computed before
  std::int64_t n_drafted = 0, n_accepted = 0;  ///< tokens guessed ahead, and those that came true
  double prefill_seconds = 0, decode_seconds = 0;
  std::uint64_t logits_hash = 0;        ///< FNV-1a of the last logits' bits: equal on every machine
  std::vector<TokenLogprobs> logprobs;  ///< one a token generated, where asked for
};

/// A call of a tool, as a model asks for it and as a later message repeats it. Where the model's templates insist on ids of nine
/// letters or digits, as Mistral's do, a reply's call without one that is new has its number in the conversation.
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
  /// Where the prompt opens reasoning, a grammar without triggers begins at the end of that; gpt-oss's in its final channel.
  GenerateOptions generate{.sampling = {.temp = 0.8f, .min_p = 0.05f}};
  /// A JSON array, each {"type": "function", "function": {"name": …, "parameters": …}}. Where one has "strict": true, whatever the
  /// model calls is a tool of these, and a strict one's arguments are valid against its parameters: a grammar sees to it from
  /// the first call on. What it cannot keep is an error, and so are tools that the template does not show to the model. Where none
  /// are offered, here or by a variable like builtin_tools, a reply is text whatever it looks like.
  std::string tools{};
  std::string variables{};      ///< a JSON object of more variables for the template: {"enable_thinking": false}
  std::string chat_template{};  ///< Jinja source; empty: the model's own
  std::string now{};            ///< what strftime_now sees, "2026-11-22T09:30:00"; empty: the local time
  Overflow overflow = Overflow::error;
};

/// An answer, split as the model's reply format says. What could not be read is in `parse_error`; `raw` has everything, the
/// other texts are sound UTF-8: a byte that is none is U+FFFD there. Reasoning that nothing opened is known by its end
/// alone: what was handed out as content until then is `reasoning` here.
struct ChatReply {
  std::string content, reasoning;
  std::vector<ToolCall> tool_calls;
  std::optional<std::string> parse_error;
  std::string raw;                      ///< the whole text, control tokens spelled out
  Reply generation;                     ///< tokens, times, why it ended; its text is `raw`
  std::int64_t n_reused = 0;            ///< prompt tokens that this or another session had computed before
  std::int64_t n_dropped_messages = 0;  ///< of the conversation, left out of the prompt
};

/// Called with each piece of text, whole UTF-8 characters. Bytes that are no character, as where max_tokens cuts one, come
/// as they are, in a chat as U+FFFD. Returning false stops the generation.
using OnText = std::function<bool(std::string_view piece)>;

/// Memory of keys and values, of all sessions of a model.
struct KvMemory {
  std::uint64_t budget = 0;      ///< bytes
  std::uint64_t taken = 0;       ///< by sessions and kept beginnings; what is shared counts once
  std::int64_t pages_known = 0;  ///< pages of 64 positions that another session can begin with
};

/// How the last hidden rows of a text, one a token, become its embedding.
enum class Pooling {
  model,  ///< as the model's file says
  none,   ///< they stay: a vector of each token
  mean,   ///< their sum in order of position, divided by their number
  cls,    ///< the first token's
  last,   ///< the last token's
};

struct EmbedOptions {
  Pooling pooling = Pooling::model;
  bool normalise = true;   ///< each vector is divided by its length; one of zeros stays
  std::int64_t n_ctx = 0;  ///< tokens that a text may have; 0: as many as the model was trained for
  Kv kv = Kv::f16;         ///< f32 comes closest to what the weights say
  std::int64_t chunk =
      512;  ///< tokens per forward pass, 1 to 4096; an encoder's text is never divided, so its passes may be longer
  OnProgress on_progress{};  ///< of the tokens
  /// Status::cancelled; what was handed out stays. Whoever asks for these two is heard within a tenth of a second, or after a pass of
  /// an encoder's one text.
  Cancelled cancelled{};
};

/// Called with each text's embedding: [dim], under Pooling::none [n_tokens, dim]. Returning false stops.
using OnEmbedding = std::function<bool(std::span<const float> embedding)>;

struct ModelInfo {
  std::string name, architecture, path;
  std::int64_t n_layer = 0, n_head = 0, n_kv_head = 0, head_dim = 0, dim = 0, ffn_dim = 0, n_vocab = 0, n_ctx_train = 0;
  std::uint64_t weights_bytes = 0, n_parameters = 0;
  std::string isa;
  int threads = 0;
  Weights weights = Weights::automatic;  ///< what was chosen: file or repacked
  bool encoder = false;                  ///< it embeds texts and writes none: no sessions
  RecommendedSampling recommended{};
  std::string device = "cpu";  ///< who computes, as in Plan
};

/// A device's part in running a model.
struct PlannedDevice {
  std::string name;                   ///< "cuda:N (its name)", or "cpu"
  std::int64_t n_layer = 0;           ///< layers that it computes, after those of the devices before it
  bool experts = false;               ///< it has routed experts: of its own layers, or with cpu_moe of all
  std::uint64_t bytes = 0;            ///< of the total, what lies in its memory; the CPU's is the host's
  std::uint64_t available_bytes = 0;  ///< what it can still give
};

/// What running a model takes and how it is done, from the file's header alone: nothing is loaded. Loading asks the same
/// functions, so on a machine that does not change meanwhile this is what then happens, to the byte.
struct Plan {
  std::string path, name, architecture;
  std::string tokenizer;      ///< "llama", "gpt2 qwen2", …
  std::string chat_template;  ///< how its replies are written: "chatml", …; empty: the model has no template
  std::string isa;
  std::vector<std::string_view> samplers;  ///< all steps in their order; `sampling_steps`: those that settings turn on
  int threads = 0;
  Weights weights = Weights::automatic;  ///< file or repacked
  Kv kv = Kv::f16;
  std::int64_t n_ctx = 0, n_ctx_train = 0, chunk = 0, batch = 1;
  std::uint64_t weights_bytes = 0;  ///< what stays in memory: repacked and split copies, and what is used of the file
  std::uint64_t kv_bytes = 0;       ///< keys and values of `batch` full contexts; beginnings kept for others: kv_budget
  std::uint64_t scratch_bytes = 0;  ///< what passes write besides
  std::uint64_t total_bytes = 0;    ///< of these three
  std::uint64_t allocated_bytes =
      0;  ///< of the total, what the library allocates; the rest are pages of the mapped file
  std::uint64_t available_bytes = 0;         ///< what the machine or container can still give
  std::string device = "cpu";                ///< "cuda:N (its name)", "cuda:N (its name), cpu", …: who computes
  std::vector<PlannedDevice> devices;        ///< the same one by one
  std::uint64_t device_bytes = 0;            ///< of the total, what lies in devices' own memory
  std::uint64_t device_available_bytes = 0;  ///< what they can still give
  bool fits = false;  ///< the host's part of the total <= available, each device's likewise, and kv_bytes <= kv_budget
  /// 10^9 bytes a second, and tokens a second at short contexts; 0: not forecast. A pass of m tokens reads n * (1 - (1 - k/n)^m) of n
  /// experts, of which a token has k: what is to be expected where each is as likely as any other.
  double read_gbps = 0, decode_tps = 0, prefill_tps = 0;
};

/// `batch`: 1 is a session, more are an engine's n_parallel; what a draft takes is not in it. `forecast` measures this machine for a
/// second; without it, and where a device computes, the speeds are 0.
HEARTH_API Result<Plan> plan(const std::string& path, const ModelOptions& model = {},
                             const SessionOptions& session = {}, std::int64_t batch = 1, bool forecast = true);

/// A model file ready to run: immutable, shared by any number of sessions on any threads. Copies share it. A child made by
/// fork may use the models and sessions that it inherits, if the CPU computes all of them and at the fork no other thread was in a
/// call and no engine at work.
class HEARTH_API Model {
 public:
  /// Opens a .gguf (the first shard of a split one). Everything in it is checked before it is used.
  static Result<Model> open(const std::string& path, const ModelOptions& options = {});

  /// A conversation with an own KV cache. An encoder has none: unsupported. A draft with another vocabulary is
  /// invalid_argument, one that finds no room for its own cache out_of_memory. A fork, or a request of an engine, whose draft
  /// finds none answers without it: the same text, later, with a Reply::n_drafted of 0.
  Result<Session> session(const SessionOptions& options = {}) const;

  /// A session that save() wrote, on any machine: it goes on with the same bits. A file that is cut short, altered or another
  /// model's is refused. What it holds is not shared with sessions that begin alike; its forks share it.
  Result<Session> restore(const std::string& path, const CallOptions& options = {}) const;

  const ModelInfo& info() const;
  KvMemory kv_memory() const;

  /// Text to token ids; `special` adds BOS/EOS as the model's metadata says, `parse` turns special-token text into ids.
  Result<std::vector<std::int32_t>> tokenize(std::string_view text, bool special = false, bool parse = false) const;
  Result<std::string> detokenize(std::span<const std::int32_t> ids) const;

  /// A text's embedding [dim], under Pooling::none [n_tokens, dim]; special tokens are added as the model's metadata says. The same
  /// bits whatever the threads, the chunk or the texts beside it. Errors: context_full where the text has more tokens than n_ctx,
  /// with both numbers (nothing is ever cut); invalid_argument where it has none, or the file names no pooling and `options` none.
  Result<std::vector<float>> embed(std::string_view text, const EmbedOptions& options = {}) const;

  /// The same from token ids, as they are.
  Result<std::vector<float>> embed_from(std::span<const std::int32_t> ids, const EmbedOptions& options = {}) const;

  /// The embeddings of many texts, handed out in order. All texts are checked before the first is computed; short ones share passes.
  Result<void> embed(std::span<const std::string> texts, const EmbedOptions& options,
                     const OnEmbedding& on_embedding) const;

  class Impl;
  explicit Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// One sequence of tokens and its KV cache. Keeps its model alive. Not for two threads at once.
class HEARTH_API Session {
 public:
  /// Continues the session's text with `prompt`, letter for letter (BOS first where the model wants one and the session is empty),
  /// then generates.
  /// A prompt longer than the context is context_full with both numbers, and changes nothing.
  Result<Reply> generate(std::string_view prompt, const GenerateOptions& options = {}, const OnText& on_text = {});

  /// The same from token ids, as they are.
  Result<Reply> generate_from(std::span<const std::int32_t> ids, const GenerateOptions& options = {},
                              const OnText& on_text = {});

  /// The next turn of the session's conversation, through the model's chat template. `on_text` gets the content alone.
  Result<ChatReply> chat(std::string_view text, const OnText& on_text = {});
  Result<ChatReply> chat(std::string_view text, const ChatOptions& options, const OnText& on_text = {});

  /// A whole conversation, which becomes the session's. Positions that begin with the same tokens are not computed again.
  /// A failure changes nothing; what it had cut is computed again by the next call. A model without a template: not_found.
  Result<ChatReply> chat(std::span<const ChatMessage> messages, const ChatOptions& options, const OnText& on_text = {});

  /// Appends `ids` and hands each position's logits [n_vocab] to `on_logits`, in order; returning false stops.
  Result<void> evaluate(std::span<const std::int32_t> ids,
                        const std::function<bool(std::span<const float> logits)>& on_logits);

  std::int64_t n_ctx() const;
  /// Another session that goes on from here, and shares all that both have. The conversation is copied.
  Result<Session> fork() const;

  /// Forgets positions from n on; n is 0 to n_past(). The conversation of chat() is kept: its next turn brings them back.
  Result<void> truncate(std::int64_t n);

  std::int64_t n_past() const;  ///< positions taken so far
  void reset();                 ///< forgets all positions and the conversation

  /// Writes text, conversation, keys and values to a file, whole or not at all, bound to the model.
  Result<void> save(const std::string& path, const CallOptions& options = {}) const;

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct EngineOptions {
  std::int64_t n_parallel = 8;  ///< requests computed together, 1 to 256
  std::int64_t n_queue = 64;    ///< requests that may wait beside them; one more is refused with Status::busy
  SessionOptions
      session{};  ///< of each request; n_ctx 0: what memory fits n_parallel times; chunk: of all prompts together
};

/// What an engine was asked for. Copies are the same request; dropping them does not end it.
class HEARTH_API Request {
 public:
  /// Returns when the request is done. Not to be called from a callback.
  Result<Reply> wait() const;
  bool done() const;
  /// Heard at the end of the pass under way: the reply is what there is, with Finish::cancelled; before the first token it is the
  /// error Status::cancelled. A done request stays as it is.
  void cancel();

  class Impl;
  explicit Request(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<Impl> impl_;
};

/// Requests of many callers, computed together on a thread of its own: prompts are read beside answers, none waits for another's
/// end. A reply has the bits that it has alone. Any thread may ask. Ending the engine ends its requests: Status::cancelled.
class HEARTH_API Engine {
 public:
  static Result<Engine> start(const Model& model, const EngineOptions& options = {});

  /// What is wrong with the options, a grammar that cannot be read too, is said at once. Callbacks come from the engine's thread:
  /// all requests wait while one works, and none may ask the engine for anything or end it.
  Result<Request> submit(std::string_view prompt, const GenerateOptions& options = {}, const OnText& on_text = {});
  Result<Request> submit_from(std::span<const std::int32_t> ids, const GenerateOptions& options = {},
                              const OnText& on_text = {});

  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth
