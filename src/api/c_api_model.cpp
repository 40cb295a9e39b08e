// The C border for models, handles to cancel with, and facts about this build: thin, over the C++ API.
#include <hearth/tools.hpp>

#include "c_api_handles.h"
#include "c_api_objects.h"
#include "c_api_options.h"
#include "dispatch.h"

using namespace hearth;
using namespace hearth::api;

namespace {

/// As snprintf: all of it is counted, what fits is written.
template <class T> void copy_out(const T* from, std::size_t n, T* to, std::size_t capacity, std::size_t* n_all) {
  *n_all = n;
  if (const std::size_t fits = std::min(n, capacity); fits > 0) std::memcpy(to, from, fits * sizeof(T));
}

hearth_status set_flag(const hearth_cancel* cancel, bool raised) {
  std::atomic<bool>* flag = handles().flag(number(cancel), Kind::cancel);
  if (flag) *flag = raised;
  return flag ? HEARTH_OK : HEARTH_INVALID_ARGUMENT;
}

}  // namespace

const char* hearth_version(void) { return HEARTH_VERSION; }

const char* hearth_isa_name(size_t index) {
  const char* name = nullptr;
  call(nullptr, [&]() -> Result<void> {
    const auto here = kernels::runnable();
    if (index < here.size()) name = here[index]->name;
    return {};
  });
  return name;
}

hearth_status hearth_cancel_new(hearth_cancel** cancel, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(cancel, "cancel"));
    *cancel = nullptr;
    HEARTH_TRY(const auto handle, handles().add(Kind::cancel, nullptr));
    *cancel = dressed<hearth_cancel>(handle);
    return {};
  });
}

hearth_status hearth_cancel_request(hearth_cancel* cancel) { return set_flag(cancel, true); }
hearth_status hearth_cancel_reset(hearth_cancel* cancel) { return set_flag(cancel, false); }
hearth_status hearth_cancel_free(hearth_cancel* cancel) { return close_handle(cancel, Kind::cancel); }

hearth_status hearth_call_options_init(hearth_call_options* options, size_t size) { return init_struct(options, size); }

hearth_status hearth_model_options_init(hearth_model_options* options, size_t size) {
  return init_struct(options, size);
}

hearth_status hearth_model_open(const char* path, const hearth_model_options* options, hearth_model** model,
                                hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(model, "model"));
    *model = nullptr;
    HEARTH_CHECK(not_null(path, "path"));
    HEARTH_TRY(const auto given, read_struct(options, "hearth_model_options"));
    Listener listener(given.user);
    HEARTH_TRY(const ModelOptions chosen, model_options(given, listener));
    auto opened = Model::open(path, chosen);
    HEARTH_CHECK(listener.sound());
    if (!opened) return std::move(opened).error();
    return hand_out<ModelObject>(std::move(*opened), model);
  });
}

hearth_status hearth_model_free(hearth_model* model) { return close_handle(model, Kind::model); }

hearth_status hearth_model_describe(hearth_model* model, hearth_model_info* info, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    HEARTH_CHECK(not_null(info, "info"));
    HEARTH_CHECK(check_output(info, "hearth_model_info"));
    const ModelInfo& i = object->model.info();
    const KvMemory kv = object->model.kv_memory();
    write_struct(info, {0, i.n_layer, i.n_head, i.n_kv_head, i.head_dim, i.dim, i.ffn_dim, i.n_vocab, i.n_ctx_train,
                        i.weights_bytes, i.n_parameters, i.threads, static_cast<std::int32_t>(i.weights), i.encoder, 0,
                        kv.budget, kv.taken, kv.pages_known});
    return {};
  });
}

hearth_status hearth_model_text(hearth_model* model, int32_t which, hearth_text_fn on_text, void* user,
                                hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    if (!on_text) return not_null(nullptr, "on_text");
    const ModelInfo& i = object->model.info();
    const std::string* const texts[] = {&i.name, &i.architecture, &i.path, &i.isa};
    if (which < 0 || which > HEARTH_MODEL_ISA)
      return bad_argument("there is no text " + std::to_string(which), "which", "choose one of HEARTH_MODEL_...");
    Listener listener(user);
    listener.tell(on_text, texts[which]->data(), texts[which]->size());
    return listener.sound();
  });
}

hearth_status hearth_model_tokenize(hearth_model* model, const char* text, size_t n_bytes, int32_t special,
                                    int32_t parse, int32_t* ids, size_t capacity, size_t* n_ids, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    HEARTH_CHECK(not_null(n_ids, "n_ids"));
    HEARTH_TRY(const auto given, text_of(text, n_bytes, "text"));
    HEARTH_TRY(const bool add_special, flag_of(special, "special"));
    HEARTH_TRY(const bool parse_special, flag_of(parse, "parse"));
    if (capacity > 0) HEARTH_CHECK(not_null(ids, "ids"));
    HEARTH_TRY(const auto all, object->model.tokenize(given, add_special, parse_special));
    copy_out(all.data(), all.size(), ids, capacity, n_ids);
    return {};
  });
}

hearth_status hearth_model_detokenize(hearth_model* model, const int32_t* ids, size_t n_ids, char* text,
                                      size_t capacity, size_t* n_bytes, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    HEARTH_CHECK(not_null(n_bytes, "n_bytes"));
    HEARTH_TRY(const auto given, ids_of(ids, n_ids));
    if (capacity > 0) HEARTH_CHECK(not_null(text, "text"));
    HEARTH_TRY(const std::string all, object->model.detokenize(given));
    copy_out(all.data(), all.size(), text, capacity, n_bytes);
    return {};
  });
}

hearth_status hearth_embed_options_init(hearth_embed_options* options, size_t size) {
  return init_struct(options, size);
}

hearth_status hearth_model_embed(hearth_model* model, const hearth_text* texts, size_t n_texts,
                                 const hearth_embed_options* options, hearth_embedding_fn on_embedding, void* user,
                                 hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    Listener listener(user);
    HEARTH_TRY(const auto known, read_struct(options, "hearth_embed_options"));
    HEARTH_TRY(const EmbedOptions chosen, embed_options(known, listener));
    HEARTH_TRY(const auto given, texts_of(texts, n_texts, "texts"));
    if (!on_embedding) return not_null(nullptr, "on_embedding");
    const auto done = object->model.embed(given, chosen, [&](std::span<const float> values) {
      return listener.tell(on_embedding, values.data(), values.size());
    });
    HEARTH_CHECK(listener.sound());
    return done;
  });
}

hearth_status hearth_model_recommend(hearth_model* model, hearth_sampling_options* sampling, hearth_error* error) {
  return call(error, [&]() -> Result<void> {
    HEARTH_TRY(const auto object, pinned<ModelObject>(model));
    HEARTH_CHECK(not_null(sampling, "sampling"));
    HEARTH_TRY(auto known, read_struct(sampling, "hearth_sampling_options"));
    set_numbers(known, object->model.info().recommended.over(numbers_of(known)));
    write_struct(sampling, known);
    return {};
  });
}
