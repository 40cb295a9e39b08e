// Option structures of older and newer programs, of no size at all, uninitialised or full of ones: defaults or an error.
#include <cmath>
#include <cstring>

#include "support/c_api_model.h"

namespace c_api_structs_test {

using namespace hearth;

namespace {

constexpr std::size_t kLargest = 4096;  // what no structure's size is above

/// A structure of any size, with room for more.
template <class T> struct Sized {
  alignas(8) unsigned char bytes[kLargest + 64];
  explicit Sized(int fill) { std::memset(bytes, fill, sizeof bytes); }
  T* as() { return reinterpret_cast<T*>(bytes); }
  void set_size(std::size_t size) { std::memcpy(bytes, &size, sizeof size); }
};

/// `use` hands a structure to the function that takes it; `output`: it is one that the function writes.
template <class T, class Use> void check_sizes(const char* name, bool output, Use use) {
  INFO(name);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{9}, sizeof(T) - 4,
                                 sizeof(T) + 1, kLargest + 8, SIZE_MAX, SIZE_MAX - 7}) {
    Sized<T> given(0);
    given.set_size(size);
    INFO("size " << size);
    CHECK(use(given.as()) == HEARTH_INVALID_ARGUMENT);
  }
  Sized<T> ones(0xff);
  CHECK(use(ones.as()) == HEARTH_INVALID_ARGUMENT);
  if (!output) {  // a sound size, and all else 0xFF: some number in front of every pointer refuses it
    ones.set_size(sizeof(T));
    CHECK(use(ones.as()) == HEARTH_INVALID_ARGUMENT);
  }
}

/// An older program's structure gets the defaults of what it lacks; of a newer one's, what is unknown must be zero.
template <class T, class Init, class Use> void check_versions(const char* name, Init init, Use use) {
  INFO(name);
  for (std::size_t size = sizeof(std::size_t); size <= sizeof(T); size += 8) {
    Sized<T> older(0xff);
    CHECK(init(older.as(), size) == HEARTH_OK);
    CHECK(older.bytes[size] == 0xff);  // not a byte too much is written
    INFO("size " << size);
    CHECK(use(older.as()) == HEARTH_OK);
  }
  Sized<T> newer(0xff);
  REQUIRE(init(newer.as(), sizeof(T) + 16) == HEARTH_OK);
  CHECK(use(newer.as()) == HEARTH_OK);
  newer.bytes[sizeof(T) + 15] = 1;
  CHECK(use(newer.as()) == HEARTH_UNSUPPORTED);
  for (const std::size_t size : {std::size_t{0}, std::size_t{9}, kLargest + 8, SIZE_MAX})
    CHECK(init(newer.as(), size) == HEARTH_INVALID_ARGUMENT);
}

}  // namespace

TEST_CASE("A4 options of any size and any bits") {
  test::OpenModel m;
  std::int32_t id = 5;
  const auto open = [&](hearth_model_options* options) {
    hearth_model* model = nullptr;
    const auto status = hearth_model_open(m.path(), options, &model, nullptr);
    CHECK((model != nullptr) == (status == HEARTH_OK));
    hearth_model_free(model);
    return status;
  };
  const auto start = [&](hearth_session_options* options) {
    hearth_session* session = nullptr;
    const auto status = hearth_session_new(m.model, options, &session, nullptr);
    CHECK((session != nullptr) == (status == HEARTH_OK));
    hearth_session_free(session);
    return status;
  };
  const auto generate = [&](hearth_generate_options* options) {
    hearth_session_reset(m.session, nullptr);
    return hearth_session_generate_from(m.session, &id, 1, options, nullptr, nullptr, nullptr, nullptr);
  };
  const auto sample = [&](hearth_sampling_options* sampling) {
    hearth_generate_options options;
    hearth_generate_options_init(&options, sizeof options);
    options.max_tokens = 2;
    options.sampling = sampling;
    return generate(&options);
  };
  const char* const source = "{{ messages[0].content }}";
  const auto converse = [&](const hearth_message* messages, std::size_t n) {
    hearth_generate_options few;
    hearth_generate_options_init(&few, sizeof few);
    few.max_tokens = 2;
    hearth_chat_options options;
    hearth_chat_options_init(&options, sizeof options);
    options.chat_template = source;
    options.generate = &few;
    return hearth_session_chat_messages(m.session, messages, n, &options, nullptr, nullptr, nullptr, nullptr);
  };
  const auto chat = [&](hearth_chat_options* options) {
    return hearth_session_chat(m.session, "a", 1, options, nullptr, nullptr, nullptr, nullptr);
  };
  const auto message = [&](hearth_message* one) { return converse(one, 1); };
  const hearth_text text{"ab", 2};
  const auto no_vector = [](void*, const float*, std::size_t) { return 0; };
  const test::TempFolder folder;
  const std::string pooling_path = folder / "pooling.gguf";
  REQUIRE(test::ModelEditor().set("llama.pooling_type", std::uint32_t{1}).write(pooling_path) > 0);
  hearth_model* pooling = nullptr;
  REQUIRE(hearth_model_open(pooling_path.c_str(), nullptr, &pooling, nullptr) == HEARTH_OK);
  const auto embed = [&](hearth_embed_options* options) {
    return hearth_model_embed(pooling, &text, 1, options, no_vector, nullptr, nullptr);
  };
  const auto save = [&](hearth_call_options* options) {
    return hearth_session_save_with(m.session, (folder / "session").c_str(), options, nullptr);
  };
  const auto engine = [&](hearth_engine_options* options) {
    hearth_session_options session;
    hearth_session_options_init(&session, sizeof session);
    session.n_ctx = 64;
    hearth_engine* made = nullptr;
    const auto status = hearth_engine_new(m.model, options, &session, &made, nullptr);
    CHECK((made != nullptr) == (status == HEARTH_OK));
    hearth_engine_free(made);
    return status;
  };
  check_sizes<hearth_model_options>("model", false, open);
  check_sizes<hearth_session_options>("session", false, start);
  check_sizes<hearth_generate_options>("generate", false, generate);
  check_sizes<hearth_sampling_options>("sampling", false, sample);
  check_sizes<hearth_chat_options>("chat", false, chat);
  check_sizes<hearth_message>("message", false, message);
  check_sizes<hearth_embed_options>("embed", false, embed);
  check_sizes<hearth_engine_options>("engine", false, engine);
  check_sizes<hearth_call_options>("call", false, save);
  check_sizes<hearth_reply>("reply", true, [&](hearth_reply* reply) {
    return hearth_session_generate_from(m.session, &id, 1, nullptr, nullptr, nullptr, reply, nullptr);
  });
  check_sizes<hearth_model_info>("info", true,
                                 [&](hearth_model_info* i) { return hearth_model_describe(m.model, i, nullptr); });
  check_sizes<hearth_session_info>(
      "places", true, [&](hearth_session_info* i) { return hearth_session_describe(m.session, i, nullptr); });

  check_sizes<hearth_plan>("plan", true, [&](hearth_plan* plan) {
    return hearth_plan_make(m.path(), nullptr, nullptr, 1, 0, plan, nullptr);
  });

  check_versions<hearth_model_options>("model", hearth_model_options_init, open);
  check_versions<hearth_session_options>("session", hearth_session_options_init, start);
  check_versions<hearth_generate_options>("generate", hearth_generate_options_init, generate);
  check_versions<hearth_sampling_options>("sampling", hearth_sampling_options_init, sample);
  check_versions<hearth_engine_options>("engine", hearth_engine_options_init, engine);
  check_versions<hearth_embed_options>("embed", hearth_embed_options_init, embed);
  check_versions<hearth_call_options>("call", hearth_call_options_init, save);
  CHECK(hearth_model_free(pooling) == HEARTH_OK);
  hearth_message said;
  REQUIRE(hearth_message_init(&said, sizeof said) == HEARTH_OK);
  said.role = "user", said.content = "ab", said.n_content = 2;
  CHECK(message(&said) == HEARTH_OK);
  hearth_message two[2] = {said, said};
  CHECK(converse(two, 2) == HEARTH_OK);
  two[1].size -= 8;
  CHECK(converse(two, 2) == HEARTH_INVALID_ARGUMENT);
}

TEST_CASE("A4 A7 each value out of its range is refused by name") {
  test::OpenModel m;
  hearth_error error;
  hearth_model* model = nullptr;
  const auto open = [&](auto change) {
    hearth_model_options o;
    hearth_model_options_init(&o, sizeof o);
    change(o);
    const auto status = hearth_model_open(m.path(), &o, &model, &error);
    INFO(error.message);
    CHECK(std::string(error.message).find("; ") != std::string::npos);
    return status;
  };
  CHECK(open([](auto& o) { o.threads = -1; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.threads = 1000000; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.weights = 3; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.map = 2; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.reserved = 1; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.reserved_end = 1; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.isa = "zzz"; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.device = "zzz"; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.gpu_layers = "1"; }) == HEARTH_INVALID_ARGUMENT);  // of no device
  CHECK(open([](auto& o) { o.cpu_moe = 1; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.cpu_moe = 2; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(open([](auto& o) { o.device = "cuda:255"; }) == HEARTH_UNSUPPORTED);
  const auto start = [&](auto change) {
    hearth_session_options o;
    hearth_session_options_init(&o, sizeof o);
    change(o);
    hearth_session* session = nullptr;
    const auto status = hearth_session_new(m.model, &o, &session, &error);
    hearth_session_free(session);
    return status;
  };
  CHECK(start([](auto& o) { o.n_ctx = -1; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(start([](auto& o) { o.n_ctx = INT64_MAX; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(start([](auto& o) { o.chunk = 0; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(start([](auto& o) { o.kv = 7; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(start([](auto& o) { o.reuse = 2; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(start([](auto& o) { o.reserved = 1; }) == HEARTH_INVALID_ARGUMENT);
  const auto sample = [&](auto change) {
    hearth_sampling_options o;
    hearth_sampling_options_init(&o, sizeof o);
    change(o);
    hearth_generate_options generate;
    hearth_generate_options_init(&generate, sizeof generate);
    generate.sampling = &o;
    generate.max_tokens = 1;
    return hearth_session_generate(m.session, "a", 1, &generate, nullptr, nullptr, nullptr, &error);
  };
  CHECK(sample([](auto& o) { o.temp = NAN; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(sample([](auto& o) { o.top_p = 2; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(sample([](auto& o) { o.top_k = -1; }) == HEARTH_INVALID_ARGUMENT);
  CHECK(sample([](auto& o) { o.temp = 1e-38f; }) == HEARTH_OK);
  CHECK(sample([](auto& o) { o.temp = 1, o.mirostat = 2, o.mirostat_tau = 0; }) == HEARTH_OK);
  CHECK(sample([](auto& o) { o.temp = 1, o.top_k = INT32_MAX; }) == HEARTH_OK);
  CHECK(sample([](auto& o) { o.temp = 3e38f, o.top_p = 0; }) == HEARTH_OK);
  const std::string long_prompt(1000, 'a');  // the session holds 256
  CHECK(hearth_session_generate(m.session, long_prompt.data(), long_prompt.size(), nullptr, nullptr, nullptr, nullptr,
                                &error) == HEARTH_CONTEXT_FULL);
  CHECK(std::string(error.message).find("256") != std::string::npos);
  CHECK(hearth_session_generate(m.session, "a", SIZE_MAX, nullptr, nullptr, nullptr, nullptr, &error) ==
        HEARTH_INVALID_ARGUMENT);
}

}  // namespace c_api_structs_test
