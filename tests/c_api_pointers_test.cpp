// The C API refuses every pointer that is NULL where something is needed, and every handle that is none.
#include <hearth/hearth.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <set>

#include "support/c_api_model.h"

namespace c_api_pointers_test {

using namespace hearth;
using test::OpenModel;

namespace {

int nothing(void*, const char*, std::size_t) { return 0; }
int no_logits(void*, const float*, std::size_t) { return 0; }

struct Row {
  const char* function;
  const char* null;  // the argument that is NULL
  hearth_status expected;
  std::function<hearth_status()> call;
};

}  // namespace

TEST_CASE("A1 each pointer may be NULL in turn: an error where something is needed, a default where not") {
  OpenModel m;
  hearth_model* model = nullptr;
  hearth_session* session = nullptr;
  hearth_cancel* cancel = nullptr;
  std::size_t n = 0;
  std::int32_t ids[1] = {5};
  char text[1];
  hearth_model_info info{};
  hearth_session_info places{};
  hearth_plan plan{};
  info.size = sizeof info, places.size = sizeof places, plan.size = sizeof plan;
  hearth_message message{};
  const auto bad = HEARTH_INVALID_ARGUMENT, ok = HEARTH_OK;
  const auto f = [](auto function, auto... arguments) { return [=] { return function(arguments...); }; };
  hearth_model_options mo{};
  hearth_text one_text{"a", 1};
  hearth_session* fork = nullptr;
  hearth_session* restored = nullptr;
  hearth_engine* engine = nullptr;
  hearth_sampling_options sampling;
  hearth_embed_options mean;
  REQUIRE(hearth_sampling_options_init(&sampling, sizeof sampling) == HEARTH_OK);
  REQUIRE(hearth_embed_options_init(&mean, sizeof mean) == HEARTH_OK);
  mean.pooling = HEARTH_POOLING_MEAN;
  hearth_generate_options few;
  REQUIRE(hearth_generate_options_init(&few, sizeof few) == HEARTH_OK);
  few.max_tokens = 2;
  hearth_session_options places_of;
  REQUIRE(hearth_session_options_init(&places_of, sizeof places_of) == HEARTH_OK);
  places_of.n_ctx = 64;
  const test::TempFolder folder;
  const std::string saved = folder / "a.session";
  const std::vector<Row> rows = {
      {"hearth_cancel_new", "cancel", bad, f(hearth_cancel_new, nullptr, nullptr)},
      {"hearth_cancel_new", "error", ok, f(hearth_cancel_new, &cancel, nullptr)},
      {"hearth_cancel_request", "cancel", bad, f(hearth_cancel_request, nullptr)},
      {"hearth_cancel_reset", "cancel", bad, f(hearth_cancel_reset, nullptr)},
      {"hearth_cancel_free", "cancel", ok, f(hearth_cancel_free, nullptr)},
      {"hearth_call_options_init", "options", bad, f(hearth_call_options_init, nullptr, 32)},
      {"hearth_model_options_init", "options", bad, f(hearth_model_options_init, nullptr, sizeof mo)},
      {"hearth_session_options_init", "options", bad, f(hearth_session_options_init, nullptr, 24)},
      {"hearth_sampling_options_init", "options", bad, f(hearth_sampling_options_init, nullptr, 40)},
      {"hearth_generate_options_init", "options", bad, f(hearth_generate_options_init, nullptr, 80)},
      {"hearth_chat_options_init", "options", bad, f(hearth_chat_options_init, nullptr, 64)},
      {"hearth_message_init", "message", bad, f(hearth_message_init, nullptr, 72)},
      {"hearth_embed_options_init", "options", bad, f(hearth_embed_options_init, nullptr, 32)},
      {"hearth_engine_options_init", "options", bad, f(hearth_engine_options_init, nullptr, 24)},
      {"hearth_model_embed", "model", bad,
       f(hearth_model_embed, nullptr, &one_text, 1, &mean, no_logits, nullptr, nullptr)},
      {"hearth_model_embed", "texts", bad,
       f(hearth_model_embed, m.model, nullptr, 1, &mean, no_logits, nullptr, nullptr)},
      {"hearth_model_embed", "texts of 0", ok,
       f(hearth_model_embed, m.model, nullptr, 0, &mean, no_logits, nullptr, nullptr)},
      {"hearth_model_embed", "on_embedding", bad,
       f(hearth_model_embed, m.model, &one_text, 1, &mean, nullptr, nullptr, nullptr)},
      {"hearth_model_embed", "options, of a file without pooling", bad,
       f(hearth_model_embed, m.model, &one_text, 1, nullptr, no_logits, nullptr, nullptr)},
      {"hearth_model_embed", "error", ok,
       f(hearth_model_embed, m.model, &one_text, 1, &mean, no_logits, nullptr, nullptr)},
      {"hearth_model_recommend", "model", bad, f(hearth_model_recommend, nullptr, &sampling, nullptr)},
      {"hearth_model_recommend", "sampling", bad, f(hearth_model_recommend, m.model, nullptr, nullptr)},
      {"hearth_model_recommend", "error", ok, f(hearth_model_recommend, m.model, &sampling, nullptr)},
      {"hearth_session_fork", "session", bad, f(hearth_session_fork, nullptr, &fork, nullptr)},
      {"hearth_session_fork", "fork", bad, f(hearth_session_fork, m.session, nullptr, nullptr)},
      {"hearth_session_fork", "error", ok, f(hearth_session_fork, m.session, &fork, nullptr)},
      {"hearth_session_truncate", "session", bad, f(hearth_session_truncate, nullptr, 0, nullptr)},
      {"hearth_session_truncate", "error", ok, f(hearth_session_truncate, m.session, 0, nullptr)},
      {"hearth_session_save", "session", bad, f(hearth_session_save, nullptr, saved.c_str(), nullptr)},
      {"hearth_session_save", "path", bad, f(hearth_session_save, m.session, nullptr, nullptr)},
      {"hearth_session_save", "error", ok, f(hearth_session_save, m.session, saved.c_str(), nullptr)},
      {"hearth_session_save_with", "session", bad,
       f(hearth_session_save_with, nullptr, saved.c_str(), nullptr, nullptr)},
      {"hearth_session_save_with", "path", bad, f(hearth_session_save_with, m.session, nullptr, nullptr, nullptr)},
      {"hearth_session_save_with", "options, error", ok,
       f(hearth_session_save_with, m.session, saved.c_str(), nullptr, nullptr)},
      {"hearth_session_restore", "model", bad, f(hearth_session_restore, nullptr, saved.c_str(), &restored, nullptr)},
      {"hearth_session_restore", "path", bad, f(hearth_session_restore, m.model, nullptr, &restored, nullptr)},
      {"hearth_session_restore", "session", bad, f(hearth_session_restore, m.model, saved.c_str(), nullptr, nullptr)},
      {"hearth_session_restore_with", "model", bad,
       f(hearth_session_restore_with, nullptr, saved.c_str(), nullptr, &restored, nullptr)},
      {"hearth_session_restore_with", "path", bad,
       f(hearth_session_restore_with, m.model, nullptr, nullptr, &restored, nullptr)},
      {"hearth_session_restore_with", "session", bad,
       f(hearth_session_restore_with, m.model, saved.c_str(), nullptr, nullptr, nullptr)},
      {"hearth_session_restore", "error", ok, f(hearth_session_restore, m.model, saved.c_str(), &restored, nullptr)},
      {"hearth_engine_new", "model", bad, f(hearth_engine_new, nullptr, nullptr, &places_of, &engine, nullptr)},
      {"hearth_engine_new", "engine", bad, f(hearth_engine_new, m.model, nullptr, &places_of, nullptr, nullptr)},
      {"hearth_engine_new", "options, error", ok, f(hearth_engine_new, m.model, nullptr, &places_of, &engine, nullptr)},
      {"hearth_engine_generate_from", "engine", bad,
       f(hearth_engine_generate_from, nullptr, ids, 1, &few, nothing, nullptr, nullptr, nullptr)},
      {"hearth_engine_generate_from", "ids", bad,
       [&] { return hearth_engine_generate_from(engine, nullptr, 1, &few, nothing, nullptr, nullptr, nullptr); }},
      {"hearth_engine_generate_from", "all others", ok,
       [&] { return hearth_engine_generate_from(engine, ids, 1, nullptr, nullptr, nullptr, nullptr, nullptr); }},
      {"hearth_engine_free", "engine", ok, f(hearth_engine_free, nullptr)},
      {"hearth_model_open", "path", bad, f(hearth_model_open, nullptr, nullptr, &model, nullptr)},
      {"hearth_model_open", "model", bad, f(hearth_model_open, m.path(), nullptr, nullptr, nullptr)},
      {"hearth_model_open", "options, error", ok, f(hearth_model_open, m.path(), nullptr, &model, nullptr)},
      {"hearth_model_free", "model", ok, f(hearth_model_free, nullptr)},
      {"hearth_model_describe", "model", bad, f(hearth_model_describe, nullptr, &info, nullptr)},
      {"hearth_model_describe", "info", bad, f(hearth_model_describe, m.model, nullptr, nullptr)},
      {"hearth_model_text", "model", bad, f(hearth_model_text, nullptr, 0, nothing, nullptr, nullptr)},
      {"hearth_model_text", "on_text", bad, f(hearth_model_text, m.model, 0, nullptr, nullptr, nullptr)},
      {"hearth_model_tokenize", "model", bad, f(hearth_model_tokenize, nullptr, "a", 1, 0, 0, ids, 1, &n, nullptr)},
      {"hearth_model_tokenize", "text", bad, f(hearth_model_tokenize, m.model, nullptr, 1, 0, 0, ids, 1, &n, nullptr)},
      {"hearth_model_tokenize", "text of 0", ok,
       f(hearth_model_tokenize, m.model, nullptr, 0, 0, 0, ids, 1, &n, nullptr)},
      {"hearth_model_tokenize", "ids", bad, f(hearth_model_tokenize, m.model, "a", 1, 0, 0, nullptr, 1, &n, nullptr)},
      {"hearth_model_tokenize", "ids of 0", ok,
       f(hearth_model_tokenize, m.model, "a", 1, 0, 0, nullptr, 0, &n, nullptr)},
      {"hearth_model_tokenize", "n_ids", bad,
       f(hearth_model_tokenize, m.model, "a", 1, 0, 0, ids, 1, nullptr, nullptr)},
      {"hearth_model_detokenize", "model", bad, f(hearth_model_detokenize, nullptr, ids, 1, text, 1, &n, nullptr)},
      {"hearth_model_detokenize", "ids", bad, f(hearth_model_detokenize, m.model, nullptr, 1, text, 1, &n, nullptr)},
      {"hearth_model_detokenize", "ids of 0", ok,
       f(hearth_model_detokenize, m.model, nullptr, 0, text, 1, &n, nullptr)},
      {"hearth_model_detokenize", "text", bad, f(hearth_model_detokenize, m.model, ids, 1, nullptr, 1, &n, nullptr)},
      {"hearth_model_detokenize", "n_bytes", bad,
       f(hearth_model_detokenize, m.model, ids, 1, text, 1, nullptr, nullptr)},
      {"hearth_session_new", "model", bad, f(hearth_session_new, nullptr, nullptr, &session, nullptr)},
      {"hearth_session_new", "session", bad, f(hearth_session_new, m.model, nullptr, nullptr, nullptr)},
      {"hearth_session_new", "options, error", ok, f(hearth_session_new, m.model, nullptr, &session, nullptr)},
      {"hearth_plan_make", "path", bad, f(hearth_plan_make, nullptr, nullptr, nullptr, 1, 0, &plan, nullptr)},
      {"hearth_plan_make", "plan", bad, f(hearth_plan_make, m.path(), nullptr, nullptr, 1, 0, nullptr, nullptr)},
      {"hearth_plan_make", "all others", ok, f(hearth_plan_make, m.path(), nullptr, nullptr, 1, 0, &plan, nullptr)},
      {"hearth_session_free", "session", ok, f(hearth_session_free, nullptr)},
      {"hearth_session_describe", "session", bad, f(hearth_session_describe, nullptr, &places, nullptr)},
      {"hearth_session_describe", "info", bad, f(hearth_session_describe, m.session, nullptr, nullptr)},
      {"hearth_session_reset", "session", bad, f(hearth_session_reset, nullptr, nullptr)},
      {"hearth_session_evaluate", "session", bad,
       f(hearth_session_evaluate, nullptr, ids, 1, no_logits, nullptr, nullptr)},
      {"hearth_session_evaluate", "ids", bad,
       f(hearth_session_evaluate, m.session, nullptr, 1, no_logits, nullptr, nullptr)},
      {"hearth_session_evaluate", "on_logits", bad,
       f(hearth_session_evaluate, m.session, ids, 1, nullptr, nullptr, nullptr)},
      {"hearth_session_generate", "session", bad,
       f(hearth_session_generate, nullptr, "a", 1, nullptr, nothing, nullptr, nullptr, nullptr)},
      {"hearth_session_generate", "prompt", bad,
       f(hearth_session_generate, m.session, nullptr, 1, nullptr, nothing, nullptr, nullptr, nullptr)},
      {"hearth_session_generate", "all others", ok,
       f(hearth_session_generate, m.session, "a", 1, nullptr, nullptr, nullptr, nullptr, nullptr)},
      {"hearth_session_generate_from", "session", bad,
       f(hearth_session_generate_from, nullptr, ids, 1, nullptr, nothing, nullptr, nullptr, nullptr)},
      {"hearth_session_generate_from", "ids", bad,
       f(hearth_session_generate_from, m.session, nullptr, 1, nullptr, nothing, nullptr, nullptr, nullptr)},
      {"hearth_session_chat", "session", bad,
       f(hearth_session_chat, nullptr, "a", 1, nullptr, nothing, nullptr, nullptr, nullptr)},
      {"hearth_session_chat", "text", bad,
       f(hearth_session_chat, m.session, nullptr, 1, nullptr, nothing, nullptr, nullptr, nullptr)},
      {"hearth_session_chat_messages", "session", bad,
       f(hearth_session_chat_messages, nullptr, &message, 0, nullptr, nothing, nullptr, nullptr, nullptr)},
      {"hearth_session_chat_messages", "messages", bad,
       f(hearth_session_chat_messages, m.session, nullptr, 1, nullptr, nothing, nullptr, nullptr, nullptr)},
  };
  std::set<std::string> covered = {"hearth_status_message", "hearth_version", "hearth_isa_name"};  // take no pointer
  for (const Row& row : rows) {
    INFO(row.function << " with NULL as " << row.null);
    CHECK(row.call() == row.expected);
    covered.insert(row.function);
  }
  std::ifstream abi(std::string(HEARTH_SOURCE_DIR) + "/tests/golden/abi.txt");
  std::set<std::string> exported;
  for (std::string line; std::getline(abi, line) && line.find(' ') == std::string::npos;) exported.insert(line);
  CHECK(covered == exported);
  for (hearth_session* made : {session, fork, restored}) CHECK((made && hearth_session_free(made) == ok));
  CHECK(hearth_engine_free(engine) == ok);
  CHECK(hearth_model_free(model) == ok);
  CHECK(hearth_cancel_free(cancel) == ok);
}

TEST_CASE("A2 a handle that is none is refused by every function that takes one: freed, of another kind, or any bits") {
  OpenModel m;
  hearth_session* freed = nullptr;
  REQUIRE(hearth_session_new(m.model, nullptr, &freed, nullptr) == HEARTH_OK);
  REQUIRE(hearth_session_free(freed) == HEARTH_OK);
  std::vector<void*> wrong = {freed, m.cancel, &m, reinterpret_cast<void*>(UINTPTR_MAX), reinterpret_cast<void*>(1)};
  std::mt19937_64 bits(1);
  for (int i = 0; i < 1000; ++i) wrong.push_back(reinterpret_cast<void*>(static_cast<std::uintptr_t>(bits())));
  std::int32_t id = 5;
  std::size_t n = 0;
  hearth_model_info info{};
  hearth_session_info places{};
  info.size = sizeof info, places.size = sizeof places;
  hearth_session* made = nullptr;
  hearth_engine* engine = nullptr;
  hearth_sampling_options sampling;
  REQUIRE(hearth_sampling_options_init(&sampling, sizeof sampling) == HEARTH_OK);
  hearth_session_options with_draft;
  REQUIRE(hearth_session_options_init(&with_draft, sizeof with_draft) == HEARTH_OK);
  const test::TempFolder folder;
  const std::string path = folder / "a.session";
  REQUIRE(hearth_session_save(m.session, path.c_str(), nullptr) == HEARTH_OK);
  for (void* handle : wrong) {
    for (void* as_model : {handle, static_cast<void*>(m.session)}) {
      auto* model = static_cast<hearth_model*>(as_model);
      CHECK(hearth_model_free(model) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_model_describe(model, &info, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_model_text(model, 0, nothing, nullptr, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_model_tokenize(model, "a", 1, 0, 0, &id, 1, &n, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_model_detokenize(model, &id, 1, nullptr, 0, &n, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_new(model, nullptr, &made, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_restore(model, path.c_str(), &made, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_model_embed(model, nullptr, 0, nullptr, no_logits, nullptr, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_model_recommend(model, &sampling, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_engine_new(model, nullptr, nullptr, &engine, nullptr) == HEARTH_INVALID_ARGUMENT);
      with_draft.draft = model;
      CHECK(hearth_session_new(m.model, &with_draft, &made, nullptr) == HEARTH_INVALID_ARGUMENT);
    }
    for (void* as_session : {handle, static_cast<void*>(m.model)}) {
      auto* session = static_cast<hearth_session*>(as_session);
      CHECK(hearth_session_free(session) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_reset(session, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_fork(session, &made, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_truncate(session, 0, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_save(session, path.c_str(), nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_describe(session, &places, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_evaluate(session, &id, 1, no_logits, nullptr, nullptr) == HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_generate(session, "ab", 2, nullptr, nothing, nullptr, nullptr, nullptr) ==
            HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_generate_from(session, &id, 1, nullptr, nullptr, nullptr, nullptr, nullptr) ==
            HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_chat(session, "a", 1, nullptr, nullptr, nullptr, nullptr, nullptr) ==
            HEARTH_INVALID_ARGUMENT);
      CHECK(hearth_session_chat_messages(session, nullptr, 0, nullptr, nullptr, nullptr, nullptr, nullptr) ==
            HEARTH_INVALID_ARGUMENT);
    }
    CHECK(made == nullptr);
    CHECK(engine == nullptr);
    auto* as_engine = static_cast<hearth_engine*>(handle);
    CHECK(hearth_engine_free(as_engine) == HEARTH_INVALID_ARGUMENT);
    CHECK(hearth_engine_generate_from(as_engine, &id, 1, nullptr, nullptr, nullptr, nullptr, nullptr) ==
          HEARTH_INVALID_ARGUMENT);
    if (handle == m.cancel) continue;
    auto* cancel = static_cast<hearth_cancel*>(handle);
    CHECK(hearth_cancel_request(cancel) == HEARTH_INVALID_ARGUMENT);
    CHECK(hearth_cancel_reset(cancel) == HEARTH_INVALID_ARGUMENT);
    CHECK(hearth_cancel_free(cancel) == HEARTH_INVALID_ARGUMENT);
  }
  hearth_error error;
  CHECK(hearth_session_reset(freed, &error) == HEARTH_INVALID_ARGUMENT);
  CHECK(std::string(error.message) ==
        "the handle is NULL, was freed or never was one; handle of a session; pass one that was "
        "made as a session and not freed yet");
  CHECK(hearth_session_free(freed) == HEARTH_INVALID_ARGUMENT);
}

TEST_CASE("A1 pointers inside structures may be NULL where nothing is behind them, and are named where something is") {
  const OpenModel m;
  hearth_error error;
  const auto refused = [&](hearth_status status, const char* name) {
    CHECK(status == HEARTH_INVALID_ARGUMENT);
    INFO(error.message);
    CHECK(std::string(error.message).find(name) != std::string::npos);
  };
  hearth_chat_options options;
  REQUIRE(hearth_chat_options_init(&options, sizeof options) == HEARTH_OK);
  options.chat_template = "{{ messages[0].content }}";
  const auto say = [&](auto change) {
    hearth_message message;
    REQUIRE(hearth_message_init(&message, sizeof message) == HEARTH_OK);
    message.role = "user", message.content = "ab", message.n_content = 2;
    change(message);
    hearth_generate_options few;
    REQUIRE(hearth_generate_options_init(&few, sizeof few) == HEARTH_OK);
    few.max_tokens = 1;
    options.generate = &few;
    return hearth_session_chat_messages(m.session, &message, 1, &options, nullptr, nullptr, nullptr, &error);
  };
  CHECK(say([](auto&) {}) == HEARTH_OK);  // reasoning, name and the like are NULL
  refused(say([](auto& message) { message.role = nullptr; }), "role");
  refused(say([](auto& message) { message.content = nullptr; }), "content");
  CHECK(say([](auto& message) { message.content = nullptr, message.n_content = 0, message.reasoning = "r"; }) !=
        HEARTH_INTERNAL);
  refused(say([](auto& message) { message.n_tool_calls = 1; }), "tool_calls");
  refused(say([](auto& message) { message.n_tool_calls = SIZE_MAX; }), "tool_calls");
  const hearth_tool_call nameless{"1", nullptr, "{}"};
  refused(say([&](auto& message) { message.tool_calls = &nameless, message.n_tool_calls = 1; }), "name");
  refused(say([](auto& message) { message.n_parts = 1; }), "parts");
  const hearth_text nothing_there{nullptr, 5}, empty{nullptr, 0};
  refused(say([&](auto& message) { message.parts = &nothing_there, message.n_parts = 1; }), "parts");
  CHECK(say([&](auto& message) { message.tool_calls = &nameless; }) == HEARTH_OK);  // a count of 0: not looked at

  hearth_embed_options mean;
  REQUIRE(hearth_embed_options_init(&mean, sizeof mean) == HEARTH_OK);
  mean.pooling = HEARTH_POOLING_MEAN;
  refused(hearth_model_embed(m.model, &nothing_there, 1, &mean, no_logits, nullptr, &error), "texts");
  refused(hearth_model_embed(m.model, &empty, SIZE_MAX, &mean, no_logits, nullptr, &error), "texts");
  CHECK(hearth_model_embed(m.model, &empty, 1, &mean, no_logits, nullptr, &error) != HEARTH_INTERNAL);
}

TEST_CASE("A2 what belongs together is freed in any order, and a freed handle never comes back") {
  std::array<int, 4> order = {0, 1, 2, 3};
  do {
    OpenModel m;
    hearth_session* fork = nullptr;
    hearth_engine* engine = nullptr;
    hearth_session_options places;
    REQUIRE(hearth_session_options_init(&places, sizeof places) == HEARTH_OK);
    places.n_ctx = 64;
    REQUIRE(hearth_session_fork(m.session, &fork, nullptr) == HEARTH_OK);
    REQUIRE(hearth_engine_new(m.model, nullptr, &places, &engine, nullptr) == HEARTH_OK);
    const std::function<hearth_status()> frees[] = {
        [&] { return hearth_model_free(m.model); }, [&] { return hearth_session_free(m.session); },
        [&] { return hearth_session_free(fork); }, [&] { return hearth_engine_free(engine); }};
    for (const int which : order) {
      CHECK(frees[which]() == HEARTH_OK);
      CHECK(frees[which]() == HEARTH_INVALID_ARGUMENT);
    }
  } while (std::next_permutation(order.begin(), order.end()));

  const OpenModel m;
  hearth_session* freed = nullptr;
  REQUIRE(hearth_session_fork(m.session, &freed, nullptr) == HEARTH_OK);
  REQUIRE(hearth_session_free(freed) == HEARTH_OK);
  for (int i = 0; i < 200000; ++i) {  // each slot of the table is used again and again
    hearth_cancel* other = nullptr;
    REQUIRE(hearth_cancel_new(&other, nullptr) == HEARTH_OK);
    REQUIRE(static_cast<void*>(other) != static_cast<void*>(freed));
    REQUIRE(hearth_cancel_free(other) == HEARTH_OK);
  }
  CHECK(hearth_session_reset(freed, nullptr) == HEARTH_INVALID_ARGUMENT);
}

TEST_CASE("A2 a table without a free place says so, and takes more once something is freed") {
  std::vector<hearth_cancel*> all;
  hearth_error error;
  for (;;) {
    hearth_cancel* cancel = nullptr;
    if (const auto status = hearth_cancel_new(&cancel, &error); status != HEARTH_OK) {
      CHECK(status == HEARTH_OUT_OF_MEMORY);
      CHECK(cancel == nullptr);
      break;
    }
    all.push_back(cancel);
    REQUIRE(all.size() <= 1 << 16);
  }
  CHECK(std::string(error.message).find("handles") != std::string::npos);
  REQUIRE(hearth_cancel_free(all.back()) == HEARTH_OK);
  REQUIRE(hearth_cancel_new(&all.back(), nullptr) == HEARTH_OK);
  for (hearth_cancel* cancel : all) REQUIRE(hearth_cancel_free(cancel) == HEARTH_OK);
}

}  // namespace c_api_pointers_test
