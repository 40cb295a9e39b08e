// Enters: option structures as C callers hand them in. Leaves: the C++ API's options, every value checked.
#include "c_api_options.h"

#include "c_api_handles.h"

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

/// Asks a cancel's flag, which stays there when the handle is freed during the call.
Result<Cancelled> cancelled_by(const hearth_cancel* cancel) {
  if (!cancel) return Cancelled();
  const std::atomic<bool>* flag = handles().flag(number(cancel), Kind::cancel);
  if (!flag)
    return bad_argument("the handle was freed or never was one", "cancel",
                        "pass one that hearth_cancel_new made, or NULL");
  return Cancelled([flag] { return flag->load(); });
}

Result<SamplingOptions> sampling_options(const hearth_sampling_options* given, const SamplingOptions& otherwise) {
  if (!given) return otherwise;
  HEARTH_TRY(const auto o, read_struct(given, "hearth_sampling_options"));
  SamplingOptions sampling;  // its ranges are the sampler's to check
  sampling.temp = o.temp;
  sampling.top_p = o.top_p;
  sampling.min_p = o.min_p;
  sampling.repeat_penalty = o.repeat_penalty;
  sampling.top_k = o.top_k;
  sampling.repeat_last = o.repeat_last;
  sampling.seed = o.seed;
  return sampling;
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
              static_cast<int>(Kv::q8_0) == HEARTH_KV_Q8_0 &&
              static_cast<int>(Overflow::drop_oldest_turns) == HEARTH_OVERFLOW_DROP_OLDEST_TURNS &&
              static_cast<int>(Finish::cancelled) == HEARTH_FINISH_CANCELLED);

void set_defaults(hearth_model_options& options) {
  const ModelOptions usual;
  options.threads = usual.threads;
  options.weights = static_cast<std::int32_t>(usual.weights);
  options.map = usual.mmap;
}

void set_defaults(hearth_session_options& options) {
  const SessionOptions usual;
  options.n_ctx = usual.n_ctx;
  options.kv = static_cast<std::int32_t>(usual.kv);
  options.chunk = static_cast<std::int32_t>(usual.chunk);
}

void set_defaults(hearth_sampling_options& options) {
  const SamplingOptions usual;
  options.temp = usual.temp;
  options.top_p = usual.top_p;
  options.min_p = usual.min_p;
  options.repeat_penalty = usual.repeat_penalty;
  options.top_k = usual.top_k;
  options.repeat_last = usual.repeat_last;
  options.seed = usual.seed;
}

void set_defaults(hearth_generate_options& options) { options.max_tokens = GenerateOptions().max_tokens; }
void set_defaults(hearth_chat_options&) {}
void set_defaults(hearth_message&) {}

Result<std::string_view> text_of(const char* data, std::size_t n_bytes, std::string_view name) {
  HEARTH_TRY(const std::size_t n, count(n_bytes, data, PTRDIFF_MAX, name));
  return std::string_view(data ? data : "", n);
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
  HEARTH_TRY(options.cancelled, cancelled_by(o.cancel));
  if (const auto tell = o.on_progress)
    options.on_progress = [tell, &listener](double done) { return listener.tell(tell, done); };
  options.isa = or_empty(o.isa);
  options.pre = or_empty(o.pre);
  return options;
}

Result<SessionOptions> session_options(const hearth_session_options* given) {
  HEARTH_TRY(const auto o, read_struct(given, "hearth_session_options"));
  SessionOptions options;
  options.n_ctx = o.n_ctx;
  options.chunk = o.chunk;
  HEARTH_TRY(options.kv, choice(o.kv, Kv::q8_0, "kv of hearth_session_options"));
  return options;
}

Result<GenerateOptions> generate_options(const hearth_generate_options& o, const SamplingOptions& usual,
                                         Listener& listener) {
  constexpr std::size_t kMostStops = 100000;
  GenerateOptions options;
  options.max_tokens = o.max_tokens;
  HEARTH_TRY(options.echo, flag_of(o.echo, "echo of hearth_generate_options"));
  HEARTH_TRY(options.special, flag_of(o.special, "special of hearth_generate_options"));
  HEARTH_TRY(options.cancelled, cancelled_by(o.cancel));
  if (const auto tell = o.on_progress)
    options.on_progress = [tell, &listener](double done) { return listener.tell(tell, done); };
  HEARTH_TRY(options.sampling, sampling_options(o.sampling, usual));
  HEARTH_TRY(const std::size_t n_stop, count(o.n_stop, o.stop, kMostStops, "stop of hearth_generate_options"));
  for (std::size_t i = 0; i < n_stop; ++i) {
    HEARTH_TRY(const auto stop, text_of(o.stop[i].data, o.stop[i].n_bytes, "stop of hearth_generate_options"));
    options.stop.emplace_back(stop);
  }
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
