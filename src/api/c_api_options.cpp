// Enters: option structures as C callers hand them in. Leaves: the C++ API's options, every value checked.
#include "c_api_options.h"

#include "c_api_objects.h"

namespace hearth::api {
namespace {

template <class Enum> Result<Enum> choice(std::int32_t value, Enum last, std::string_view name) {
  if (value >= 0 && value <= static_cast<std::int32_t>(last)) return static_cast<Enum>(value);
  return bad_argument("the value is " + std::to_string(value), name,
                      "choose 0 to " + std::to_string(static_cast<int>(last)));
}

Result<void> zero(std::int32_t reserved, std::string_view name) {
  if (reserved == 0) return {};
  return bad_argument("the value is " + std::to_string(reserved), name, "leave it zero");
}

Result<std::size_t> count(std::size_t n, const void* first, std::size_t most, std::string_view name) {
  if (n > most) return bad_argument("the count is " + std::to_string(n), name, "pass at most " + std::to_string(most));
  if (n > 0) HEARTH_CHECK(not_null(first, name));
  return n;
}

std::string or_empty(const char* text) { return text ? text : ""; }

/// Asks a cancel's flag. It is held, so that a handle that is freed during the call gives its place to nobody before the end.
Result<Cancelled> cancelled_by(const hearth_cancel* cancel) {
  if (!cancel) return Cancelled();
  auto held = Pinned<Object>::make(number(cancel), Kind::cancel);
  const std::atomic<bool>* flag = held ? handles().flag(number(cancel), Kind::cancel) : nullptr;
  if (!flag)
    return bad_argument("the handle was freed or never was one", "cancel",
                        "pass one that hearth_cancel_new made, or NULL");
  return Cancelled([held = std::make_shared<Pinned<Object>>(std::move(*held)), flag] { return flag->load(); });
}

/// Who watches a call.
template <class C, class Cxx> Result<void> read_watch(const C& o, Listener& listener, Cxx& options) {
  HEARTH_TRY(options.cancelled, cancelled_by(o.cancel));
  if (const auto tell = o.on_progress)
    options.on_progress = [tell, &listener](double done) { return listener.tell(tell, done); };
  return {};
}

/// The settings that are numbers, by their names in C and in C++.
template <class Visit> void each_number(Visit visit) {
  using C = hearth_sampling_options;
  using Cxx = SamplingOptions;
  visit(&C::temp, &Cxx::temp);
  visit(&C::top_p, &Cxx::top_p);
  visit(&C::min_p, &Cxx::min_p);
  visit(&C::repeat_penalty, &Cxx::repeat_penalty);
  visit(&C::top_k, &Cxx::top_k);
  visit(&C::repeat_last, &Cxx::repeat_last);
  visit(&C::seed, &Cxx::seed);
  visit(&C::dynatemp_range, &Cxx::dynatemp_range);
  visit(&C::dynatemp_exponent, &Cxx::dynatemp_exponent);
  visit(&C::typical_p, &Cxx::typical_p);
  visit(&C::top_n_sigma, &Cxx::top_n_sigma);
  visit(&C::xtc_probability, &Cxx::xtc_probability);
  visit(&C::xtc_threshold, &Cxx::xtc_threshold);
  visit(&C::presence_penalty, &Cxx::presence_penalty);
  visit(&C::frequency_penalty, &Cxx::frequency_penalty);
  visit(&C::dry_multiplier, &Cxx::dry_multiplier);
  visit(&C::dry_base, &Cxx::dry_base);
  visit(&C::dry_allowed, &Cxx::dry_allowed);
  visit(&C::dry_last, &Cxx::dry_last);
  visit(&C::mirostat, &Cxx::mirostat);
  visit(&C::mirostat_tau, &Cxx::mirostat_tau);
  visit(&C::mirostat_eta, &Cxx::mirostat_eta);
  visit(&C::choice, &Cxx::choice);
}

constexpr std::size_t kMostTexts = 100000, kMostTokens = 1000000;

Result<SamplingOptions> sampling_options(const hearth_sampling_options* given, const SamplingOptions& otherwise) {
  if (!given) return otherwise;
  HEARTH_TRY(const auto o, read_struct(given, "hearth_sampling_options"));
  SamplingOptions sampling = numbers_of(o);  // its ranges are the sampler's to check
  HEARTH_TRY(const std::size_t n_bias, count(o.n_logit_bias, o.logit_bias, kMostTokens, "logit_bias"));
  for (std::size_t i = 0; i < n_bias; ++i) sampling.logit_bias.push_back({o.logit_bias[i].id, o.logit_bias[i].bias});
  HEARTH_TRY(const std::size_t n_banned, count(o.n_banned, o.banned, kMostTokens, "banned"));
  sampling.banned.assign(o.banned, o.banned + n_banned);
  if (o.dry_breakers || o.n_dry_breakers > 0) {
    HEARTH_TRY(sampling.dry_breakers, texts_of(o.dry_breakers, o.n_dry_breakers, "dry_breakers"));
  }
  return sampling;
}

/// At most one of three, which the engine checks.
Result<void> read_constraint(const hearth_generate_options& o, GenerateOptions& options) {
  if (o.grammar) options.grammar = o.grammar;
  if (o.json_schema) options.json_schema = o.json_schema;
  if (o.regex) options.regex = o.regex;
  HEARTH_TRY(options.grammar_triggers, texts_of(o.grammar_triggers, o.n_grammar_triggers, "grammar_triggers"));
  return {};
}

Result<ChatMessage> chat_message(const hearth_message& m) {
  constexpr std::size_t kMostCalls = 10000;
  HEARTH_CHECK(not_null(m.role, "role of hearth_message"));
  HEARTH_TRY(const auto content, text_of(m.content, m.n_content, "content of hearth_message"));
  HEARTH_TRY(const std::size_t n_calls, count(m.n_tool_calls, m.tool_calls, kMostCalls, "tool_calls"));
  ChatMessage message{.role = m.role, .content = std::string(content)};
  message.reasoning = or_empty(m.reasoning);
  message.tool_call_id = or_empty(m.tool_call_id);
  message.name = or_empty(m.name);
  HEARTH_TRY(message.parts, texts_of(m.parts, m.n_parts, "parts of hearth_message"));
  for (std::size_t i = 0; i < n_calls; ++i) {
    HEARTH_CHECK(not_null(m.tool_calls[i].name, "name of hearth_tool_call"));
    message.tool_calls.push_back({or_empty(m.tool_calls[i].id), m.tool_calls[i].name,
                                  m.tool_calls[i].arguments ? m.tool_calls[i].arguments : "{}"});
  }
  return message;
}

}  // namespace

// The C++ defaults are the defaults; an enumerator's number is the same on both sides.
static_assert(static_cast<int>(Weights::repacked) == HEARTH_WEIGHTS_REPACKED &&
              static_cast<int>(Kv::q8_0) == HEARTH_KV_Q8_0 && static_cast<int>(Pooling::last) == HEARTH_POOLING_LAST &&
              static_cast<int>(Overflow::drop_oldest_turns) == HEARTH_OVERFLOW_DROP_OLDEST_TURNS &&
              static_cast<int>(Finish::cancelled) == HEARTH_FINISH_CANCELLED);

void set_defaults(hearth_model_options& options) {
  const ModelOptions usual;
  options.threads = usual.threads;
  options.weights = static_cast<std::int32_t>(usual.weights);
  options.map = usual.mmap;
  options.kv_budget = usual.kv_budget;
}

void set_defaults(hearth_embed_options& options) {
  const EmbedOptions usual;
  options.pooling = static_cast<std::int32_t>(usual.pooling);
  options.normalise = usual.normalise;
  options.n_ctx = usual.n_ctx;
  options.kv = static_cast<std::int32_t>(usual.kv);
  options.chunk = static_cast<std::int32_t>(usual.chunk);
}

void set_defaults(hearth_session_options& options) {
  const SessionOptions usual;
  options.n_ctx = usual.n_ctx;
  options.kv = static_cast<std::int32_t>(usual.kv);
  options.chunk = static_cast<std::int32_t>(usual.chunk);
  options.reuse = usual.reuse;
}

void set_defaults(hearth_sampling_options& options) { set_numbers(options, {}); }

void set_defaults(hearth_generate_options& options) {
  const GenerateOptions usual;
  options.max_tokens = usual.max_tokens;
  options.n_draft = static_cast<std::int32_t>(usual.n_draft);
  options.logprobs = usual.logprobs;
}

void set_defaults(hearth_engine_options& options) {
  const EngineOptions usual;
  options.n_parallel = usual.n_parallel;
  options.n_queue = usual.n_queue;
}

void set_defaults(hearth_call_options&) {}
void set_defaults(hearth_chat_options&) {}
void set_defaults(hearth_message&) {}

Result<std::string_view> text_of(const char* data, std::size_t n_bytes, std::string_view name) {
  HEARTH_TRY(const std::size_t n, count(n_bytes, data, PTRDIFF_MAX, name));
  return std::string_view(data ? data : "", n);
}

Result<std::vector<std::string>> texts_of(const hearth_text* texts, std::size_t n_texts, std::string_view name) {
  HEARTH_TRY(const std::size_t n, count(n_texts, texts, kMostTexts, name));
  std::vector<std::string> all;
  for (std::size_t i = 0; i < n; ++i) {
    HEARTH_TRY(const auto text, text_of(texts[i].data, texts[i].n_bytes, name));
    all.emplace_back(text);
  }
  return all;
}

Result<std::span<const std::int32_t>> ids_of(const std::int32_t* ids, std::size_t n_ids) {
  HEARTH_TRY(const std::size_t n, count(n_ids, ids, PTRDIFF_MAX / sizeof *ids, "ids"));
  return std::span<const std::int32_t>(ids, n);
}

Result<bool> flag_of(std::int32_t value, std::string_view name) {
  if (value == 0 || value == 1) return value == 1;
  return bad_argument("the value is " + std::to_string(value), name, "choose 0 or 1");
}

Result<ModelOptions> model_options(const hearth_model_options& o, Listener& listener) {
  ModelOptions options;
  options.threads = o.threads;
  HEARTH_TRY(options.weights, choice(o.weights, Weights::repacked, "weights of hearth_model_options"));
  HEARTH_TRY(options.mmap, flag_of(o.map, "map of hearth_model_options"));
  HEARTH_CHECK(zero(o.reserved, "reserved of hearth_model_options"));
  HEARTH_CHECK(read_watch(o, listener, options));
  options.isa = or_empty(o.isa);
  options.pre = or_empty(o.pre);
  options.kv_budget = o.kv_budget;
  if (o.device) options.device = o.device;
  if (o.gpu_layers) options.gpu_layers = o.gpu_layers;
  HEARTH_TRY(options.cpu_moe, flag_of(o.cpu_moe, "cpu_moe of hearth_model_options"));
  HEARTH_CHECK(zero(o.reserved_end, "reserved_end of hearth_model_options"));
  return options;
}

Result<CallOptions> call_options(const hearth_call_options& o, Listener& listener) {
  CallOptions options;
  HEARTH_CHECK(read_watch(o, listener, options));
  return options;
}

Result<EmbedOptions> embed_options(const hearth_embed_options& o, Listener& listener) {
  EmbedOptions options;
  HEARTH_TRY(options.pooling, choice(o.pooling, Pooling::last, "pooling of hearth_embed_options"));
  HEARTH_TRY(options.normalise, flag_of(o.normalise, "normalise of hearth_embed_options"));
  HEARTH_TRY(options.kv, choice(o.kv, Kv::q8_0, "kv of hearth_embed_options"));
  options.n_ctx = o.n_ctx;
  options.chunk = o.chunk;
  HEARTH_CHECK(read_watch(o, listener, options));
  return options;
}

Result<SessionOptions> session_options(const hearth_session_options* given) {
  HEARTH_TRY(const auto o, read_struct(given, "hearth_session_options"));
  SessionOptions options;
  options.n_ctx = o.n_ctx;
  options.chunk = o.chunk;
  HEARTH_TRY(options.kv, choice(o.kv, Kv::q8_0, "kv of hearth_session_options"));
  HEARTH_TRY(options.reuse, flag_of(o.reuse, "reuse of hearth_session_options"));
  HEARTH_CHECK(zero(o.reserved, "reserved of hearth_session_options"));
  if (!o.draft) return options;
  HEARTH_TRY(const auto draft, pinned<ModelObject>(o.draft));
  options.draft = std::make_shared<const Model>(draft->model);
  return options;
}

Result<EngineOptions> engine_options(const hearth_engine_options* given, const hearth_session_options* session) {
  HEARTH_TRY(const auto o, read_struct(given, "hearth_engine_options"));
  EngineOptions options;
  options.n_parallel = o.n_parallel;
  options.n_queue = o.n_queue;
  HEARTH_TRY(options.session, session_options(session));
  return options;
}

SamplingOptions numbers_of(const hearth_sampling_options& given) {
  SamplingOptions sampling;
  each_number([&](auto ours, auto theirs) { sampling.*theirs = given.*ours; });
  return sampling;
}

void set_numbers(hearth_sampling_options& to, const SamplingOptions& from) {
  each_number([&](auto ours, auto theirs) { to.*ours = from.*theirs; });
}

Result<GenerateOptions> generate_options(const hearth_generate_options& o, const SamplingOptions& usual,
                                         Listener& listener) {
  GenerateOptions options;
  options.max_tokens = o.max_tokens;
  HEARTH_TRY(options.echo, flag_of(o.echo, "echo of hearth_generate_options"));
  HEARTH_TRY(options.special, flag_of(o.special, "special of hearth_generate_options"));
  HEARTH_CHECK(read_watch(o, listener, options));
  HEARTH_TRY(options.sampling, sampling_options(o.sampling, usual));
  HEARTH_TRY(options.stop, texts_of(o.stop, o.n_stop, "stop of hearth_generate_options"));
  HEARTH_CHECK(read_constraint(o, options));
  options.n_draft = o.n_draft;
  options.logprobs = o.logprobs;
  return options;
}

Result<hearth_generate_options> generation_of(const hearth_chat_options& o) {
  HEARTH_CHECK(choice(o.overflow, Overflow::drop_oldest_turns, "overflow of hearth_chat_options"));
  HEARTH_CHECK(zero(o.reserved, "reserved of hearth_chat_options"));
  return read_struct(o.generate, "hearth_generate_options");
}

Result<ChatOptions> chat_options(const hearth_chat_options& o, const hearth_generate_options& generate,
                                 Listener& listener) {
  ChatOptions options;
  options.overflow = static_cast<Overflow>(o.overflow);
  const SamplingOptions usual = options.generate.sampling;
  HEARTH_TRY(options.generate, generate_options(generate, usual, listener));
  options.tools = or_empty(o.tools);
  options.variables = or_empty(o.variables);
  options.chat_template = or_empty(o.chat_template);
  options.now = or_empty(o.now);
  return options;
}

Result<std::vector<ChatMessage>> chat_messages(const hearth_message* messages, std::size_t n_messages) {
  constexpr std::size_t kMostMessages = 1000000;
  HEARTH_TRY(const std::size_t n, count(n_messages, messages, kMostMessages, "messages"));
  std::vector<ChatMessage> list;
  const std::size_t stride = n > 0 ? size_of(messages) : 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto* given = reinterpret_cast<const hearth_message*>(reinterpret_cast<const char*>(messages) + i * stride);
    if (size_of(given) != stride)
      return bad_argument("the sizes of messages 0 and " + std::to_string(i) + " differ", "messages",
                          "give all of them one size");
    HEARTH_TRY(const auto known, read_struct(given, "hearth_message"));
    HEARTH_TRY(ChatMessage message, chat_message(known));
    list.push_back(std::move(message));
  }
  return list;
}

}  // namespace hearth::api
