// What a C program sets is what the C++ API gets: every sampling setting, constraints, guesses, log-probabilities, embeddings and
// what a model recommends give the same answers on both sides.
#include <hearth/hearth.h>

#include <cmath>
#include <cstring>
#include <hearth/hearth.hpp>
#include <limits>

#include "support/c_api_model.h"

namespace c_api_generate_test {

using namespace hearth;
using test::OpenModel;

namespace {

using Ids = std::vector<std::int32_t>;

/// One model, opened by both APIs.
struct BothSides {
  OpenModel c;
  Model cxx = [this] {
    auto model = Model::open(c.path(), {.threads = 2});
    if (!model) FAIL(model.error().message());
    return *model;
  }();
};

const Ids kPrompt = {5, 40, 7, 5, 40, 7, 5, 40};
constexpr std::int64_t kTokens = 24;

/// All that a call of the C API hands out.
struct Heard {
  Ids tokens;
  std::string text;
  std::vector<std::vector<hearth_logprob>> logprobs;
};

int hear_text(void* user, const char* text, std::size_t n) {
  static_cast<Heard*>(user)->text.append(text, n);
  return 0;
}
int hear_tokens(void* user, const std::int32_t* ids, std::size_t n) {
  static_cast<Heard*>(user)->tokens.assign(ids, ids + n);
  return 0;
}
int hear_logprobs(void* user, const hearth_logprob* found, std::size_t n) {
  static_cast<Heard*>(user)->logprobs.emplace_back(found, found + n);
  return 0;
}

hearth_generate_options c_options() {
  hearth_generate_options options;
  REQUIRE(hearth_generate_options_init(&options, sizeof options) == HEARTH_OK);
  options.max_tokens = kTokens;
  options.on_tokens = hear_tokens;
  options.on_logprobs = hear_logprobs;
  return options;
}

Heard by_c(hearth_session* session, const hearth_generate_options& options, hearth_reply* reply = nullptr) {
  Heard heard;
  hearth_error error;
  REQUIRE(hearth_session_reset(session, nullptr) == HEARTH_OK);
  const auto status =
      hearth_session_generate_from(session, kPrompt.data(), kPrompt.size(), &options, hear_text, &heard, reply, &error);
  INFO(error.message);
  REQUIRE(status == HEARTH_OK);
  return heard;
}

Reply by_cxx(const Model& model, GenerateOptions options) {
  options.max_tokens = kTokens;
  auto session = model.session({.n_ctx = 256});
  if (!session) FAIL(session.error().message());
  auto reply = session->generate_from(kPrompt, options);
  if (!reply) FAIL(reply.error().message());
  return *reply;
}

hearth_sampling_options c_sampling() {
  hearth_sampling_options sampling;
  REQUIRE(hearth_sampling_options_init(&sampling, sizeof sampling) == HEARTH_OK);
  return sampling;
}

/// `base` and `change` set fields that have one name in C and C++; `change` must matter.
template <class Base, class Change>
void check_setting(const BothSides& sides, const char* name, Base base, Change change) {
  INFO(name);
  hearth_sampling_options in_c = c_sampling();
  GenerateOptions before, after;
  base(in_c), change(in_c);
  base(before.sampling), base(after.sampling), change(after.sampling);
  hearth_generate_options options = c_options();
  options.sampling = &in_c;
  const Ids expected = by_cxx(sides.cxx, after).tokens;
  CHECK(by_c(sides.c.session, options).tokens == expected);
  CHECK(expected != by_cxx(sides.cxx, before).tokens);
}

}  // namespace

TEST_CASE("each sampling setting has the effect that it has in C++") {
  const BothSides sides;
  const auto none = [](auto&) {};
  const auto warm = [](auto& s) { s.temp = 1.5f, s.seed = 3; };
  check_setting(sides, "temp", none, [](auto& s) { s.temp = 1.5f; });
  check_setting(sides, "seed", warm, [](auto& s) { s.seed = std::uint64_t{1} << 40; });
  check_setting(sides, "choice", warm, [](auto& s) { s.choice = 2; });
  check_setting(sides, "top_k", warm, [](auto& s) { s.top_k = 3; });
  check_setting(sides, "top_p", warm, [](auto& s) { s.top_p = 0.2f; });
  check_setting(sides, "min_p", warm, [](auto& s) { s.min_p = 0.4f; });
  check_setting(sides, "typical_p", warm, [](auto& s) { s.typical_p = 0.2f; });
  check_setting(sides, "top_n_sigma", warm, [](auto& s) { s.top_n_sigma = 0.5f; });
  check_setting(sides, "dynatemp_range", warm, [](auto& s) { s.dynatemp_range = 1.4f; });
  const auto dynamic = [&](auto& s) { warm(s), s.dynatemp_range = 1.4f; };
  check_setting(sides, "dynatemp_exponent", dynamic, [](auto& s) { s.dynatemp_exponent = 20.0f; });
  const auto xtc = [&](auto& s) { warm(s), s.xtc_probability = 0.9f, s.xtc_threshold = 0.001f; };
  check_setting(sides, "xtc_probability, xtc_threshold", warm, xtc);
  check_setting(sides, "repeat_penalty", none, [](auto& s) { s.repeat_penalty = 1.9f; });
  check_setting(sides, "presence_penalty", none, [](auto& s) { s.presence_penalty = 3.0f; });
  check_setting(sides, "frequency_penalty", none, [](auto& s) { s.frequency_penalty = 3.0f; });
  const auto penalised = [](auto& s) { s.presence_penalty = 3.0f; };
  check_setting(sides, "repeat_last", penalised, [](auto& s) { s.repeat_last = 1; });
  const auto dry = [](auto& s) { s.dry_multiplier = 5.0f; };
  check_setting(sides, "dry_multiplier", none, dry);
  check_setting(sides, "dry_allowed", dry, [](auto& s) { s.dry_allowed = 5; });
  check_setting(sides, "dry_last", dry, [](auto& s) { s.dry_last = 0; });
  const auto gentle = [](auto& s) { s.dry_multiplier = 0.05f, s.dry_allowed = 1; };
  check_setting(sides, "dry_base", gentle, [](auto& s) { s.dry_base = 9.0f; });
  check_setting(sides, "mirostat 1", warm, [](auto& s) { s.mirostat = 1, s.mirostat_tau = 2.0f; });
  check_setting(sides, "mirostat 2", warm, [](auto& s) { s.mirostat = 2, s.mirostat_tau = 2.0f; });
  const auto steered = [&](auto& s) { warm(s), s.mirostat = 2, s.mirostat_tau = 4.0f; };
  check_setting(sides, "mirostat_tau", steered, [](auto& s) { s.mirostat_tau = 0.5f; });
  check_setting(sides, "mirostat_eta", steered, [](auto& s) { s.mirostat_eta = 3.0f; });
}

TEST_CASE("biases, bans and DRY's breakers have the effect that they have in C++") {
  const BothSides sides;
  const Ids greedy = by_cxx(sides.cxx, {}).tokens;
  hearth_sampling_options sampling = c_sampling();
  hearth_generate_options options = c_options();
  options.sampling = &sampling;
  const hearth_logit_bias bias[] = {{9, 100.0f}, {greedy[0], -std::numeric_limits<float>::infinity()}};
  sampling.logit_bias = bias, sampling.n_logit_bias = 2;
  const Ids biased = by_cxx(sides.cxx, {.sampling = {.logit_bias = {{9, 100.0f}, {greedy[0], bias[1].bias}}}}).tokens;
  CHECK(by_c(sides.c.session, options).tokens == biased);
  CHECK(biased[0] == 9);

  sampling = c_sampling();
  sampling.banned = greedy.data(), sampling.n_banned = 1;
  const Ids without = by_cxx(sides.cxx, {.sampling = {.banned = {greedy[0]}}}).tokens;
  CHECK(by_c(sides.c.session, options).tokens == without);
  CHECK(without[0] != greedy[0]);

  sampling = c_sampling();
  sampling.dry_multiplier = 5.0f;
  const Ids dried = by_cxx(sides.cxx, {.sampling = {.dry_multiplier = 5.0f}}).tokens;
  CHECK(by_c(sides.c.session, options).tokens == dried);
  std::string every_byte;  // nothing is repeated across such tokens, so nothing is repeated at all
  std::vector<hearth_text> breakers;
  std::vector<std::string> breakers_in_cxx;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  for (const char& byte : every_byte) breakers.push_back({&byte, 1}), breakers_in_cxx.push_back({byte});
  sampling.dry_breakers = breakers.data(), sampling.n_dry_breakers = breakers.size();
  const Ids broken = by_cxx(sides.cxx, {.sampling = {.dry_multiplier = 5.0f, .dry_breakers = breakers_in_cxx}}).tokens;
  CHECK(by_c(sides.c.session, options).tokens == broken);
  CHECK(broken != dried);
  sampling.n_dry_breakers = 0;
  CHECK(by_c(sides.c.session, options).tokens ==
        by_cxx(sides.cxx, {.sampling = {.dry_multiplier = 5.0f, .dry_breakers = {}}}).tokens);
}

TEST_CASE("A5 lists of settings that are wrong are refused by name, and the session is as before") {
  const OpenModel m;
  const auto refused = [&](const char* name, auto change, hearth_status expected = HEARTH_INVALID_ARGUMENT) {
    hearth_sampling_options sampling = c_sampling();
    hearth_generate_options options = c_options();
    options.sampling = &sampling;
    change(sampling, options);
    hearth_error error;
    Heard heard;
    INFO(name);
    CHECK(hearth_session_generate_from(m.session, kPrompt.data(), kPrompt.size(), &options, hear_text, &heard, nullptr,
                                       &error) == expected);
    INFO(error.message);
    CHECK(std::string(error.message).find(name) != std::string::npos);
    hearth_session_info info{};
    info.size = sizeof info;
    REQUIRE(hearth_session_describe(m.session, &info, nullptr) == HEARTH_OK);
    CHECK(info.n_past == 0);
  };
  const float nan = std::nanf(""), infinite = std::numeric_limits<float>::infinity();
  const hearth_logit_bias strange_id{300, 1.0f}, negative{-1, 1.0f}, not_a_number{5, nan}, too_much{5, infinite};
  for (const hearth_logit_bias* bias : {&strange_id, &negative, &not_a_number, &too_much})
    refused("logit_bias", [&](auto& s, auto&) { s.logit_bias = bias, s.n_logit_bias = 1; });
  const Ids far = {5, 300};
  refused("300", [&](auto& s, auto&) { s.banned = far.data(), s.n_banned = 2; });
  refused("logit_bias", [](auto& s, auto&) { s.n_logit_bias = 1; });
  refused("logit_bias", [&](auto& s, auto&) { s.logit_bias = &strange_id, s.n_logit_bias = SIZE_MAX; });
  refused("banned", [](auto& s, auto&) { s.n_banned = 1; });
  refused("dry_breakers", [](auto& s, auto&) { s.n_dry_breakers = 1; });
  const hearth_text no_data{nullptr, 3};
  refused("dry_breakers", [&](auto& s, auto&) { s.dry_breakers = &no_data, s.n_dry_breakers = 1; });
  refused("grammar_triggers", [&](auto&, auto& o) { o.grammar_triggers = &no_data, o.n_grammar_triggers = 1; });
  refused("stop", [](auto&, auto& o) { o.n_stop = 1; });
  refused("typical_p", [&](auto& s, auto&) { s.typical_p = nan; });
  refused("top_n_sigma", [&](auto& s, auto&) { s.top_n_sigma = -1; });
  refused("dynatemp_range", [&](auto& s, auto&) { s.dynatemp_range = infinite; });
  refused("dynatemp_exponent", [&](auto& s, auto&) { s.dynatemp_exponent = 0; });
  refused("xtc_probability", [&](auto& s, auto&) { s.xtc_probability = 2; });
  refused("xtc_threshold", [&](auto& s, auto&) { s.xtc_threshold = -1; });
  refused("presence_penalty", [&](auto& s, auto&) { s.presence_penalty = nan; });
  refused("frequency_penalty", [&](auto& s, auto&) { s.frequency_penalty = infinite; });
  refused("dry_multiplier", [&](auto& s, auto&) { s.dry_multiplier = -1; });
  refused("dry_base", [&](auto& s, auto&) { s.dry_base = 0.5f; });
  refused("dry_allowed", [&](auto& s, auto&) { s.dry_allowed = 0; });
  refused("dry_last", [&](auto& s, auto&) { s.dry_last = -2; });
  refused("mirostat", [&](auto& s, auto&) { s.mirostat = 3; });
  refused("mirostat_tau", [&](auto& s, auto&) { s.mirostat_tau = nan; });
  refused("mirostat_eta", [&](auto& s, auto&) { s.mirostat_eta = -1; });
  refused("n_draft", [](auto&, auto& o) { o.n_draft = 16; });
  refused("n_draft", [](auto&, auto& o) { o.n_draft = -1; });
  refused("logprobs", [](auto&, auto& o) { o.logprobs = -2; });
  refused("max_tokens", [](auto&, auto& o) { o.max_tokens = -2; });
  refused("line 1", [](auto&, auto& o) { o.grammar = "root :== 1"; });
  refused("minLength", [](auto&, auto& o) { o.json_schema = "{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}"; });
  refused("group", [](auto&, auto& o) { o.regex = "(a"; });
  refused("one", [](auto&, auto& o) { o.regex = "a", o.grammar = "root ::= \"a\""; });
}

TEST_CASE("a grammar, a schema, a regex and triggers hold the text as they do in C++") {
  const BothSides sides;
  hearth_generate_options options = c_options();
  options.grammar = "root ::= \"ab\" [cd]+";
  CHECK(by_c(sides.c.session, options).tokens == by_cxx(sides.cxx, {.grammar = options.grammar}).tokens);
  options = c_options();
  options.regex = "(yes|no)!";
  const Heard answer = by_c(sides.c.session, options);
  CHECK((answer.text == "yes!" || answer.text == "no!"));
  CHECK(answer.tokens == by_cxx(sides.cxx, {.regex = options.regex}).tokens);
  options = c_options();
  options.json_schema = "{\"enum\":[true,12]}";
  const Heard json = by_c(sides.c.session, options);
  CHECK((json.text == "true" || json.text == "12"));
  options = c_options();
  options.regex = "[0-9]+";
  const std::string first = by_cxx(sides.cxx, {}).text.substr(0, 1);
  const hearth_text trigger{first.data(), first.size()};
  options.grammar_triggers = &trigger, options.n_grammar_triggers = 1;
  const Reply triggered = by_cxx(sides.cxx, {.regex = options.regex, .grammar_triggers = {first}});
  CHECK(by_c(sides.c.session, options).tokens == triggered.tokens);
  CHECK(triggered.tokens != by_cxx(sides.cxx, {}).tokens);
}

TEST_CASE("log-probabilities come a token at a time, and are those of C++") {
  const BothSides sides;
  for (const std::int32_t n : {-1, 0, 1, 5, 1 << 30}) {
    hearth_generate_options options = c_options();
    options.logprobs = n;
    const Heard heard = by_c(sides.c.session, options);
    const Reply reply = by_cxx(sides.cxx, {.logprobs = n});
    INFO("logprobs " << n);
    REQUIRE(heard.logprobs.size() == (n < 0 ? 0 : heard.tokens.size()));
    for (std::size_t i = 0; i < heard.logprobs.size(); ++i) {
      const auto& found = heard.logprobs[i];
      const TokenLogprobs& expected = reply.logprobs[i];
      REQUIRE(found.size() == 1 + std::min<std::size_t>(static_cast<std::size_t>(n), 288));
      CHECK((found[0].id == heard.tokens[i] && found[0].logprob == expected.logprob));
      for (std::size_t j = 0; j < expected.top.size(); ++j)
        CHECK((found[j + 1].id == expected.top[j].id && found[j + 1].logprob == expected.top[j].logprob));
    }
  }
  hearth_generate_options options = c_options();
  options.logprobs = 2;
  options.on_logprobs = [](void*, const hearth_logprob*, std::size_t) -> int { throw 1; };
  Heard heard;
  CHECK(hearth_session_generate_from(sides.c.session, kPrompt.data(), 8, &options, hear_text, &heard, nullptr,
                                     nullptr) == HEARTH_CANCELLED);
}

TEST_CASE("guesses change no token, with a draft model or without, and the reply counts them") {
  OpenModel m;
  const test::TempFolder folder;
  test::RandomModel coarser;  // the same weights in fewer bytes: it guesses well
  coarser.format = kernels::Format::q4_0, coarser.n_ctx = 100000;
  hearth_model* draft = nullptr;
  REQUIRE(hearth_model_open(test::write_random_model(coarser, folder / "draft.gguf").c_str(), nullptr, &draft,
                            nullptr) == HEARTH_OK);
  hearth_session_options session_options;
  REQUIRE(hearth_session_options_init(&session_options, sizeof session_options) == HEARTH_OK);
  session_options.n_ctx = 256, session_options.reuse = 0, session_options.draft = draft;
  hearth_session* drafted = nullptr;
  REQUIRE(hearth_session_new(m.model, &session_options, &drafted, nullptr) == HEARTH_OK);
  CHECK(hearth_model_free(draft) == HEARTH_OK);  // the session keeps its draft as it keeps its model
  hearth_reply reply{};
  reply.size = sizeof reply;
  hearth_generate_options options = c_options();
  options.n_draft = 0;
  const Ids plain = by_c(m.session, options, &reply).tokens;
  CHECK(reply.n_drafted == 0);
  options.n_draft = 7;
  CHECK(by_c(m.session, options).tokens == plain);
  CHECK(by_c(drafted, options, &reply).tokens == plain);
  CHECK(reply.n_accepted > 0);
  CHECK(reply.n_drafted >= reply.n_accepted);
  CHECK(hearth_session_free(drafted) == HEARTH_OK);
}

TEST_CASE("what a model recommends goes over what is set, and leaves the rest") {
  const test::TempFolder folder;
  test::ModelEditor editor;
  editor.set("general.sampling.temp", 0.75f).set("general.sampling.top_k", std::int32_t{20});
  const std::string path = folder / "m.gguf";
  REQUIRE(editor.write(path) > 0);
  hearth_model* model = nullptr;
  REQUIRE(hearth_model_open(path.c_str(), nullptr, &model, nullptr) == HEARTH_OK);
  hearth_sampling_options sampling = c_sampling(), expected = sampling;
  sampling.top_p = expected.top_p = 0.5f;
  expected.temp = 0.75f, expected.top_k = 20;
  REQUIRE(hearth_model_recommend(model, &sampling, nullptr) == HEARTH_OK);
  CHECK(std::memcmp(&sampling, &expected, sizeof sampling) == 0);
  hearth_sampling_options older = c_sampling();
  older.size = offsetof(hearth_sampling_options, top_k);  // as an older program's, which ended there
  const std::int32_t behind = older.top_k;
  REQUIRE(hearth_model_recommend(model, &older, nullptr) == HEARTH_OK);
  CHECK((older.temp == 0.75f && older.top_k == behind));
  CHECK(hearth_model_free(model) == HEARTH_OK);
}

TEST_CASE("embeddings are those of the C++ API, and what cannot be one is refused") {
  const BothSides sides;
  const std::vector<std::string> texts = {"abc", "ba", std::string(40, 'c')};
  std::vector<hearth_text> given;
  for (const std::string& text : texts) given.push_back({text.data(), text.size()});
  hearth_embed_options options;
  REQUIRE(hearth_embed_options_init(&options, sizeof options) == HEARTH_OK);
  using Vectors = std::vector<std::vector<float>>;
  const auto hear = [](void* user, const float* values, std::size_t n) {
    static_cast<Vectors*>(user)->emplace_back(values, values + n);
    return static_cast<Vectors*>(user)->size() == 2 ? 1 : 0;  // two are enough
  };
  for (const std::int32_t pooling : {HEARTH_POOLING_NONE, HEARTH_POOLING_MEAN, HEARTH_POOLING_CLS, HEARTH_POOLING_LAST})
    for (const std::int32_t normalise : {0, 1}) {
      options.pooling = pooling, options.normalise = normalise, options.kv = HEARTH_KV_F32, options.chunk = 3;
      Vectors found;
      REQUIRE(hearth_model_embed(sides.c.model, given.data(), given.size(), &options, hear, &found, nullptr) ==
              HEARTH_OK);
      REQUIRE(found.size() == 2);
      for (std::size_t i = 0; i < 2; ++i) {
        const auto expected = sides.cxx.embed(
            texts[i], {.pooling = static_cast<Pooling>(pooling), .normalise = normalise == 1, .kv = Kv::f32});
        REQUIRE(expected);
        CHECK(found[i] == *expected);
      }
    }
  hearth_error error;
  Vectors found;
  const auto refused = [&](auto change, hearth_status expected) {
    hearth_embed_options wrong = options;
    change(wrong);
    CHECK(hearth_model_embed(sides.c.model, given.data(), given.size(), &wrong, hear, &found, &error) == expected);
    INFO(error.message);
    CHECK(std::string(error.message).find("; ") != std::string::npos);
    CHECK(found.empty());  // the third is too long, so the first is not computed either
  };
  refused([](auto& o) { o.pooling = 5; }, HEARTH_INVALID_ARGUMENT);
  refused([](auto& o) { o.pooling = HEARTH_POOLING_MODEL; }, HEARTH_INVALID_ARGUMENT);  // the file names none
  refused([](auto& o) { o.normalise = 2; }, HEARTH_INVALID_ARGUMENT);
  refused([](auto& o) { o.kv = -1; }, HEARTH_INVALID_ARGUMENT);
  refused([](auto& o) { o.chunk = 0; }, HEARTH_INVALID_ARGUMENT);
  refused([](auto& o) { o.n_ctx = -1; }, HEARTH_INVALID_ARGUMENT);
  refused([](auto& o) { o.n_ctx = 10; }, HEARTH_CONTEXT_FULL);
  const auto throws = [](void*, const float*, std::size_t) -> int { throw 1; };
  CHECK(hearth_model_embed(sides.c.model, given.data(), 1, &options, throws, nullptr, nullptr) == HEARTH_CANCELLED);
}

TEST_CASE("a budget of keys and values is kept and told") {
  OpenModel m;
  hearth_model_options options;
  REQUIRE(hearth_model_options_init(&options, sizeof options) == HEARTH_OK);
  options.kv_budget = 100000;
  hearth_model* model = nullptr;
  REQUIRE(hearth_model_open(m.path(), &options, &model, nullptr) == HEARTH_OK);
  hearth_model_info info{};
  info.size = sizeof info;
  REQUIRE(hearth_model_describe(model, &info, nullptr) == HEARTH_OK);
  CHECK((info.kv_budget == 100000 && info.kv_taken == 0 && info.encoder == 0));
  hearth_session_options places;
  REQUIRE(hearth_session_options_init(&places, sizeof places) == HEARTH_OK);
  places.n_ctx = 50000;
  hearth_session* session = nullptr;
  hearth_error error;
  CHECK(hearth_session_new(model, &places, &session, &error) == HEARTH_OUT_OF_MEMORY);
  CHECK(hearth_model_free(model) == HEARTH_OK);
}

}  // namespace c_api_generate_test
