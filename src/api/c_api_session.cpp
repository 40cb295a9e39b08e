// The C border for sessions: their life, their files, their logits; with plans; thin, over the C++ API.
#include "c_api_objects.h"
#include "c_api_options.h"

using namespace hearth;
using namespace hearth::api;

hearth_status hearth_session_options_init(hearth_session_options* options, size_t size) {
  return init_struct(options, size);
}

hearth_status hearth_session_new(hearth_model* model, const hearth_session_options* options, hearth_session** session,
                                 hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(session, "session"));
    *session = nullptr;
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    HEARTH_TRY(const SessionOptions chosen, session_options(options));
    HEARTH_TRY(Session made, object->model.session(chosen));
    return hand_out<SessionObject>(std::move(made), session);
  });
}

hearth_status hearth_session_fork(hearth_session* session, hearth_session** fork, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(fork, "fork"));
    *fork = nullptr;
    HEARTH_TRY(const auto object, pinned<SessionObject>(session));
    HEARTH_TRY(Session made, object->session.fork());
    return hand_out<SessionObject>(std::move(made), fork);
  });
}

hearth_status hearth_session_restore(hearth_model* model, const char* path, hearth_session** session,
                                     hearth_error* error) {
  return hearth_session_restore_with(model, path, nullptr, session, error);
}

hearth_status hearth_session_restore_with(hearth_model* model, const char* path, const hearth_call_options* options,
                                          hearth_session** session, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(session, "session"));
    *session = nullptr;
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    HEARTH_CHECK(not_null(path, "path"));
    HEARTH_TRY(const auto given, read_struct(options, "hearth_call_options"));
    Listener listener(given.user);
    HEARTH_TRY(const CallOptions chosen, call_options(given, listener));
    auto made = object->model.restore(path, chosen);
    HEARTH_CHECK(listener.sound());
    if (!made) return std::move(made).error();
    return hand_out<SessionObject>(std::move(*made), session);
  });
}

hearth_status hearth_session_save(hearth_session* session, const char* path, hearth_error* error) {
  return hearth_session_save_with(session, path, nullptr, error);
}

hearth_status hearth_session_save_with(hearth_session* session, const char* path, const hearth_call_options* options,
                                       hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<SessionObject>(session));
    HEARTH_CHECK(not_null(path, "path"));
    HEARTH_TRY(const auto given, read_struct(options, "hearth_call_options"));
    Listener listener(given.user);
    HEARTH_TRY(const CallOptions chosen, call_options(given, listener));
    const auto done = object->session.save(path, chosen);
    HEARTH_CHECK(listener.sound());
    return done;
  });
}

hearth_status hearth_session_truncate(hearth_session* session, int64_t n, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<SessionObject>(session));
    return object->session.truncate(n);
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
    write_struct(out, {0,
                       p.n_ctx,
                       p.n_ctx_train,
                       p.chunk,
                       p.batch,
                       p.threads,
                       static_cast<std::int32_t>(p.weights),
                       static_cast<std::int32_t>(p.kv),
                       p.fits,
                       p.weights_bytes,
                       p.kv_bytes,
                       p.scratch_bytes,
                       p.total_bytes,
                       p.allocated_bytes,
                       p.available_bytes,
                       p.read_gbps,
                       p.decode_tps,
                       p.prefill_tps,
                       p.device_bytes,
                       p.device_available_bytes});
    return {};
  });
}

hearth_status hearth_session_free(hearth_session* session) { return close_handle(session, Kind::session); }

hearth_status hearth_session_describe(hearth_session* session, hearth_session_info* info, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<SessionObject>(session));
    HEARTH_CHECK(not_null(info, "info"));
    HEARTH_CHECK(check_output(info, "hearth_session_info"));
    write_struct(info, {0, object->session.n_ctx(), object->session.n_past()});
    return {};
  });
}

hearth_status hearth_session_reset(hearth_session* session, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<SessionObject>(session));
    object->session.reset();
    return {};
  });
}

hearth_status hearth_session_evaluate(hearth_session* session, const int32_t* ids, size_t n_ids,
                                      hearth_logits_fn on_logits, void* user, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<SessionObject>(session));
    HEARTH_TRY(const auto given, ids_of(ids, n_ids));
    if (!on_logits) return not_null(nullptr, "on_logits");
    Listener listener(user);
    HEARTH_CHECK(object->session.evaluate(
        given, [&](std::span<const float> logits) { return listener.tell(on_logits, logits.data(), logits.size()); }));
    return listener.sound();
  });
}
