// The C border for generating: a session's text, its conversation, an engine's requests; thin, over the C++ API.
#include "c_api_objects.h"
#include "c_api_options.h"
#include "json_text.h"

using namespace hearth;
using namespace hearth::api;

namespace {

/// C callers hear of it alike, whether a call was cancelled in its prompt or in its answer.
template <class T> bool stopped(const Result<T>& reply) {
  return !reply && reply.error().status() == Status::cancelled;
}

OnText text_to(hearth_text_fn on_text, Listener& listener) {
  if (!on_text) return {};
  return [on_text, &listener](std::string_view piece) { return listener.tell(on_text, piece.data(), piece.size()); };
}

hearth_reply reply_of(const Reply& reply) {
  hearth_reply out{};
  out.finish = static_cast<std::int32_t>(reply.finish);
  out.n_prompt = reply.n_prompt;
  out.n_reused = reply.n_reused;
  out.n_generated = static_cast<std::int64_t>(reply.tokens.size());
  out.prefill_seconds = reply.prefill_seconds;
  out.decode_seconds = reply.decode_seconds;
  out.logits_hash = reply.logits_hash;
  out.n_drafted = reply.n_drafted;
  out.n_accepted = reply.n_accepted;
  return out;
}

/// Tokens and their log-probabilities, until the caller has heard enough; false then.
bool tell_tokens(const Reply& reply, const hearth_generate_options& wanted, Listener& listener) {
  if (!listener.tell(wanted.on_tokens, reply.tokens.data(), reply.tokens.size())) return false;
  for (std::size_t i = 0; wanted.on_logprobs && i < reply.logprobs.size(); ++i) {
    std::vector<hearth_logprob> found = {{reply.tokens[i], reply.logprobs[i].logprob}};
    for (const TokenLogprob& likely : reply.logprobs[i].top) found.push_back({likely.id, likely.logprob});
    if (!listener.tell(wanted.on_logprobs, static_cast<const hearth_logprob*>(found.data()), found.size()))
      return false;
  }
  return true;
}

/// What all calls that generate share; `run` is one of them, on the object of the handle.
template <class T, class Handle, class Run>
hearth_status generate(Handle* handle, const hearth_generate_options* options, hearth_text_fn on_text, void* user,
                       hearth_reply* out, hearth_error* error, Run run) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<T>(handle));
    HEARTH_CHECK(check_output(out, "hearth_reply"));
    Listener listener(user);
    HEARTH_TRY(const auto given, read_struct(options, "hearth_generate_options"));
    HEARTH_TRY(const GenerateOptions chosen, generate_options(given, SamplingOptions(), listener));
    Result<Reply> reply = run(*object, chosen, text_to(on_text, listener));
    HEARTH_CHECK(listener.sound());
    if (stopped(reply)) reply = Reply{.finish = Finish::cancelled};
    if (!reply) return std::move(reply).error();
    if (!tell_tokens(*reply, given, listener)) reply->finish = Finish::cancelled;
    HEARTH_CHECK(listener.sound());
    write_struct(out, reply_of(*reply));
    return {};
  });
}

std::string as_json(const ToolCall& call) {
  using inspect::json_string;
  return "{\"id\":" + json_string(call.id) + ",\"name\":" + json_string(call.name) +
         ",\"arguments\":" + json_string(call.arguments) + "}";
}

/// The parts of an answer; false when the caller has heard enough.
bool tell_parts(const ChatReply& reply, hearth_part_fn on_part, Listener& listener) {
  const auto tell = [&](std::int32_t part, const std::string& text) {
    return listener.tell(on_part, part, text.data(), text.size());
  };
  if (!tell(HEARTH_PART_RAW, reply.raw) || !tell(HEARTH_PART_CONTENT, reply.content)) return false;
  if (!reply.reasoning.empty() && !tell(HEARTH_PART_REASONING, reply.reasoning)) return false;
  for (const ToolCall& call : reply.tool_calls)
    if (!tell(HEARTH_PART_TOOL_CALL, as_json(call))) return false;
  return !reply.parse_error || tell(HEARTH_PART_PARSE_ERROR, *reply.parse_error);
}

/// What both ways to chat share; `run` is one of the two.
template <class Run>
hearth_status chat(hearth_session* session, const hearth_chat_options* options, hearth_text_fn on_text, void* user,
                   hearth_reply* out, hearth_error* error, Run run) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<SessionObject>(session));
    HEARTH_CHECK(check_output(out, "hearth_reply"));
    Listener listener(user);
    HEARTH_TRY(const auto given, read_struct(options, "hearth_chat_options"));
    HEARTH_TRY(const auto generation, generation_of(given));
    HEARTH_TRY(const ChatOptions chosen, chat_options(given, generation, listener));
    Result<ChatReply> reply = run(object->session, chosen, text_to(on_text, listener));
    HEARTH_CHECK(listener.sound());
    if (stopped(reply)) reply = ChatReply{.generation = {.finish = Finish::cancelled}};
    if (!reply) return std::move(reply).error();
    if (!tell_tokens(reply->generation, generation, listener) || !tell_parts(*reply, given.on_part, listener))
      reply->generation.finish = Finish::cancelled;
    HEARTH_CHECK(listener.sound());
    hearth_reply written = reply_of(reply->generation);
    written.n_reused = reply->n_reused;
    written.n_dropped_messages = static_cast<std::int32_t>(reply->n_dropped_messages);
    write_struct(out, written);
    return {};
  });
}

/// The request's reply, once it is there. Nobody is heard before `cancelled` was asked, so the thread that asks it is known by then.
Result<Reply> reply_to(EngineObject& object, std::span<const std::int32_t> ids, GenerateOptions options,
                       const OnText& show) {
  if (object.worker == std::this_thread::get_id())
    return Error(Status::busy,
                 "a callback of the engine waits for the engine; request; ask from another thread, or another engine");
  options.cancelled = [&object, asked = std::move(options.cancelled)] {
    object.worker = std::this_thread::get_id();
    return asked && asked();
  };
  HEARTH_TRY(const Request request, object.engine.submit_from(ids, options, show));
  return request.wait();
}

}  // namespace

hearth_status hearth_sampling_options_init(hearth_sampling_options* options, size_t size) {
  return init_struct(options, size);
}
hearth_status hearth_generate_options_init(hearth_generate_options* options, size_t size) {
  return init_struct(options, size);
}
hearth_status hearth_chat_options_init(hearth_chat_options* options, size_t size) { return init_struct(options, size); }
hearth_status hearth_message_init(hearth_message* message, size_t size) { return init_struct(message, size); }
hearth_status hearth_engine_options_init(hearth_engine_options* options, size_t size) {
  return init_struct(options, size);
}

hearth_status hearth_session_generate(hearth_session* session, const char* prompt, size_t n_bytes,
                                      const hearth_generate_options* options, hearth_text_fn on_text, void* user,
                                      hearth_reply* reply, hearth_error* error) {
  return generate<SessionObject>(
      session, options, on_text, user, reply, error,
      [&](SessionObject& s, const GenerateOptions& chosen, const OnText& show) -> Result<Reply> {
        HEARTH_TRY(const auto text, text_of(prompt, n_bytes, "prompt"));
        return s.session.generate(text, chosen, show);
      });
}

hearth_status hearth_session_generate_from(hearth_session* session, const int32_t* ids, size_t n_ids,
                                           const hearth_generate_options* options, hearth_text_fn on_text, void* user,
                                           hearth_reply* reply, hearth_error* error) {
  return generate<SessionObject>(
      session, options, on_text, user, reply, error,
      [&](SessionObject& s, const GenerateOptions& chosen, const OnText& show) -> Result<Reply> {
        HEARTH_TRY(const auto given, ids_of(ids, n_ids));
        return s.session.generate_from(given, chosen, show);
      });
}

hearth_status hearth_session_chat(hearth_session* session, const char* text, size_t n_bytes,
                                  const hearth_chat_options* options, hearth_text_fn on_text, void* user,
                                  hearth_reply* reply, hearth_error* error) {
  return chat(session, options, on_text, user, reply, error,
              [&](Session& s, const ChatOptions& chosen, const OnText& show) -> Result<ChatReply> {
                HEARTH_TRY(const auto said, text_of(text, n_bytes, "text"));
                return s.chat(said, chosen, show);
              });
}

hearth_status hearth_session_chat_messages(hearth_session* session, const hearth_message* messages, size_t n_messages,
                                           const hearth_chat_options* options, hearth_text_fn on_text, void* user,
                                           hearth_reply* reply, hearth_error* error) {
  return chat(session, options, on_text, user, reply, error,
              [&](Session& s, const ChatOptions& chosen, const OnText& show) -> Result<ChatReply> {
                HEARTH_TRY(const auto list, chat_messages(messages, n_messages));
                return s.chat(list, chosen, show);
              });
}

hearth_status hearth_engine_new(hearth_model* model, const hearth_engine_options* options,
                                const hearth_session_options* session, hearth_engine** engine, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(engine, "engine"));
    *engine = nullptr;
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    HEARTH_TRY(const EngineOptions chosen, engine_options(options, session));
    HEARTH_TRY(Engine made, Engine::start(object->model, chosen));
    return hand_out<EngineObject>(std::move(made), engine);
  });
}

hearth_status hearth_engine_free(hearth_engine* engine) { return close_handle(engine, Kind::engine); }

hearth_status hearth_engine_generate_from(hearth_engine* engine, const int32_t* ids, size_t n_ids,
                                          const hearth_generate_options* options, hearth_text_fn on_text, void* user,
                                          hearth_reply* reply, hearth_error* error) {
  return generate<EngineObject>(
      engine, options, on_text, user, reply, error,
      [&](EngineObject& e, const GenerateOptions& chosen, const OnText& show) -> Result<Reply> {
        HEARTH_TRY(const auto given, ids_of(ids, n_ids));
        return reply_to(e, given, chosen, show);
      });
}
