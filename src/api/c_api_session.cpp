// The C border for sessions: generating, chatting, evaluating; thin, over the C++ API.
#include "c_api_handles.h"
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

using PinnedSession = Pinned<SessionObject>;

Result<PinnedSession> pinned(hearth_session* session) {
  return PinnedSession::make(number(session), Kind::session, true);
}

OnText text_to(hearth_text_fn on_text, Listener& listener) {
  if (!on_text) return {};
  return [on_text, &listener](std::string_view piece) { return listener.tell(on_text, piece.data(), piece.size()); };
}

hearth_reply reply_of(const Reply& reply) {
  hearth_reply out{};
  out.finish = static_cast<std::int32_t>(reply.finish);
  out.n_prompt = reply.n_prompt;
  out.n_generated = static_cast<std::int64_t>(reply.tokens.size());
  out.prefill_seconds = reply.prefill_seconds;
  out.decode_seconds = reply.decode_seconds;
  out.logits_hash = reply.logits_hash;
  return out;
}

/// What generate and generate_from share; `run` is one of the two.
template <class Run>
hearth_status generate(hearth_session* session, const hearth_generate_options* options, hearth_text_fn on_text,
                       void* user, hearth_reply* out, hearth_error* error, Run run) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const PinnedSession object, pinned(session));
    HEARTH_CHECK(check_output(out, "hearth_reply"));
    Listener listener(user);
    HEARTH_TRY(const auto given, read_struct(options, "hearth_generate_options"));
    HEARTH_TRY(const GenerateOptions chosen, generate_options(given, SamplingOptions(), listener));
    Result<Reply> reply = run(object->session, chosen, text_to(on_text, listener));
    HEARTH_CHECK(listener.sound());
    if (stopped(reply)) reply = Reply{.finish = Finish::cancelled};
    if (!reply) return std::move(reply).error();
    listener.tell(given.on_tokens, reply->tokens.data(), reply->tokens.size());
    write_struct(out, reply_of(*reply));
    return listener.sound();
  });
}

std::string as_json(const ToolCall& call) {
  using inspect::json_string;
  return "{\"id\":" + json_string(call.id) + ",\"name\":" + json_string(call.name) +
         ",\"arguments\":" + json_string(call.arguments) + "}";
}

/// The parts of an answer, until the caller has heard enough.
void tell_parts(const ChatReply& reply, hearth_part_fn on_part, Listener& listener) {
  const auto tell = [&](std::int32_t part, const std::string& text) {
    return listener.tell(on_part, part, text.data(), text.size());
  };
  if (!on_part || !tell(HEARTH_PART_RAW, reply.raw) || !tell(HEARTH_PART_CONTENT, reply.content)) return;
  if (!reply.reasoning.empty() && !tell(HEARTH_PART_REASONING, reply.reasoning)) return;
  for (const ToolCall& call : reply.tool_calls)
    if (!tell(HEARTH_PART_TOOL_CALL, as_json(call))) return;
  if (reply.parse_error) tell(HEARTH_PART_PARSE_ERROR, *reply.parse_error);
}

/// What both ways to chat share; `run` is one of the two.
template <class Run>
hearth_status chat(hearth_session* session, const hearth_chat_options* options, hearth_text_fn on_text, void* user,
                   hearth_reply* out, hearth_error* error, Run run) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const PinnedSession object, pinned(session));
    HEARTH_CHECK(check_output(out, "hearth_reply"));
    Listener listener(user);
    HEARTH_TRY(const auto given, read_struct(options, "hearth_chat_options"));
    HEARTH_TRY(const auto generation, generation_of(given));
    HEARTH_TRY(const ChatOptions chosen, chat_options(given, generation, listener));
    Result<ChatReply> reply = run(object->session, chosen, text_to(on_text, listener));
    HEARTH_CHECK(listener.sound());
    if (stopped(reply)) reply = ChatReply{.generation = {.finish = Finish::cancelled}};
    if (!reply) return std::move(reply).error();
    listener.tell(generation.on_tokens, reply->generation.tokens.data(), reply->generation.tokens.size());
    tell_parts(*reply, given.on_part, listener);
    hearth_reply written = reply_of(reply->generation);
    written.n_reused = reply->n_reused;
    written.n_dropped_messages = static_cast<std::int32_t>(reply->n_dropped_messages);
    write_struct(out, written);
    return listener.sound();
  });
}

}  // namespace

hearth_status hearth_session_options_init(hearth_session_options* options, size_t size) {
  return init_struct(options, size);
}
hearth_status hearth_sampling_options_init(hearth_sampling_options* options, size_t size) {
  return init_struct(options, size);
}
hearth_status hearth_generate_options_init(hearth_generate_options* options, size_t size) {
  return init_struct(options, size);
}
hearth_status hearth_chat_options_init(hearth_chat_options* options, size_t size) { return init_struct(options, size); }
hearth_status hearth_message_init(hearth_message* message, size_t size) { return init_struct(message, size); }

hearth_status hearth_session_new(hearth_model* model, const hearth_session_options* options, hearth_session** session,
                                 hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(session, "session"));
    *session = nullptr;
    HEARTH_TRY(const auto object, Pinned<ModelObject>::make(number(model), Kind::model));
    HEARTH_TRY(const SessionOptions chosen, session_options(options));
    HEARTH_TRY(Session made, object->model.session(chosen));
    HEARTH_TRY(const auto handle, handles().add(Kind::session, std::make_unique<SessionObject>(std::move(made))));
    *session = dressed<hearth_session>(handle);
    return {};
  });
}

hearth_status hearth_plan_make(const char* path, const hearth_model_options* model,
                               const hearth_session_options* session, int64_t batch, int32_t forecast, hearth_plan* out,
                               hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(path, "path"));
    HEARTH_CHECK(not_null(out, "plan"));
    HEARTH_CHECK(check_output(out, "hearth_plan"));
    Listener listener(nullptr);
    HEARTH_TRY(const auto given, read_struct(model, "hearth_model_options"));
    HEARTH_TRY(const ModelOptions how, model_options(given, listener));
    HEARTH_TRY(const SessionOptions what, session_options(session));
    HEARTH_TRY(const bool measured, flag_of(forecast, "forecast"));
    HEARTH_TRY(const Plan p, plan(path, how, what, batch, measured));
    write_struct(out, {0, p.n_ctx, p.n_ctx_train, p.chunk, p.batch, p.threads, static_cast<std::int32_t>(p.weights),
                       static_cast<std::int32_t>(p.kv), p.fits, p.weights_bytes, p.kv_bytes, p.scratch_bytes,
                       p.total_bytes, p.allocated_bytes, p.available_bytes, p.read_gbps, p.decode_tps, p.prefill_tps});
    return {};
  });
}

hearth_status hearth_session_free(hearth_session* session) {
  return session ? call(nullptr, [&] { return handles().close(number(session), Kind::session); }) : HEARTH_OK;
}

hearth_status hearth_session_describe(hearth_session* session, hearth_session_info* info, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const PinnedSession object, pinned(session));
    HEARTH_CHECK(not_null(info, "info"));
    HEARTH_CHECK(check_output(info, "hearth_session_info"));
    write_struct(info, {0, object->session.n_ctx(), object->session.n_past()});
    return {};
  });
}

hearth_status hearth_session_reset(hearth_session* session, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const PinnedSession object, pinned(session));
    object->session.reset();
    return {};
  });
}

hearth_status hearth_session_evaluate(hearth_session* session, const int32_t* ids, size_t n_ids,
                                      hearth_logits_fn on_logits, void* user, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const PinnedSession object, pinned(session));
    HEARTH_TRY(const auto given, ids_of(ids, n_ids));
    if (!on_logits) return not_null(nullptr, "on_logits");
    Listener listener(user);
    HEARTH_CHECK(object->session.evaluate(
        given, [&](std::span<const float> logits) { return listener.tell(on_logits, logits.data(), logits.size()); }));
    return listener.sound();
  });
}

hearth_status hearth_session_generate(hearth_session* session, const char* prompt, size_t n_bytes,
                                      const hearth_generate_options* options, hearth_text_fn on_text, void* user,
                                      hearth_reply* reply, hearth_error* error) {
  return generate(session, options, on_text, user, reply, error,
                  [&](Session& s, const GenerateOptions& chosen, const OnText& show) -> Result<Reply> {
                    HEARTH_TRY(const auto text, text_of(prompt, n_bytes, "prompt"));
                    return s.generate(text, chosen, show);
                  });
}

hearth_status hearth_session_generate_from(hearth_session* session, const int32_t* ids, size_t n_ids,
                                           const hearth_generate_options* options, hearth_text_fn on_text, void* user,
                                           hearth_reply* reply, hearth_error* error) {
  return generate(session, options, on_text, user, reply, error,
                  [&](Session& s, const GenerateOptions& chosen, const OnText& show) -> Result<Reply> {
                    HEARTH_TRY(const auto given, ids_of(ids, n_ids));
                    return s.generate_from(given, chosen, show);
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
