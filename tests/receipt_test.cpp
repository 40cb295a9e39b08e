// Receipts: what goes into one comes out of it bit for bit; whatever is missing, of another type, out of range or too much is named;
// and a text is derived again on any instruction set, thread count, chunk and layout, or the first token that differs is named.
#include <bit>
#include <cmath>
#include <filesystem>
#include <hearth/tools.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "support/answer_grid.h"
#include "support/catch.hpp"
#include "support/comma_locale.h"
#include "support/random_model.h"
#include "support/test_data.h"

namespace receipt_test {

using namespace hearth;
using Json = nlohmann::ordered_json;

namespace {

const std::string kZeros(64, '0');

template <class T> T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return std::move(*result);
}

std::string message_of(const Error& error) {
  INFO(error.message());
  CHECK(error.message().find('\n') == std::string::npos);
  CHECK(std::count(error.message().begin(), error.message().end(), ';') >= 2);
  return error.message();
}

template <class T> std::string refused(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return message_of(result.error());
}

bool holds(const std::string& text, const std::string& part) {
  INFO(text << "\nis to hold: " << part);
  CHECK(text.find(part) != std::string::npos);
  return true;
}

std::string write_model(const test::TempFolder& folder, std::uint64_t seed = 1) {
  test::RandomModel m;
  m.n_ctx = 512, m.seed = seed, m.format = kernels::Format::q8_0;
  return test::write_random_model(m, folder / ("m" + std::to_string(seed) + ".gguf"));
}

/// Every field away from its default, with what is hard to write: no UTF-8, quotes, the largest seed, zeros with a sign.
tools::Receipt odd_receipt() {
  tools::Receipt r;
  r.hearth = "0.1.0", r.arithmetic = 1, r.path = "/tmp/\xff \"quoted\"\\\n.gguf";
  r.files = {{"a.gguf", 1, kZeros}, {"Grüße\xc0", std::numeric_limits<std::uint64_t>::max(), std::string(64, 'f')}};
  r.tokenizer_sha256 = kZeros, r.template_sha256 = std::string(64, 'a');
  r.n_ctx = std::numeric_limits<std::int64_t>::max(), r.kv = Kv::q8_0;
  GenerateOptions& g = r.generate;
  g.max_tokens = 17, g.stop = {"\n", std::string("a\0b", 3), "\xe2\x82"}, g.echo = g.special = true;
  g.grammar = "root ::= \"x\"", g.json_schema = "{}", g.regex = "\xf0", g.grammar_triggers = {"<tool>"};
  g.reasoning_opens = "<think>", g.reasoning_closes = "</think>";
  SamplingOptions& s = g.sampling;
  s.temp = 0.1f, s.dynatemp_range = 1e-45f, s.dynatemp_exponent = 3.4028235e38f, s.top_k = 2147483647;
  s.top_p = std::nextafter(1.0f, 0.0f), s.min_p = 1.0f / 3, s.typical_p = 0.99999994f, s.top_n_sigma = 1.17549435e-38f;
  s.xtc_probability = 0.2f, s.xtc_threshold = 0.3f, s.repeat_penalty = 1.1f, s.repeat_last = -1;
  s.presence_penalty = -0.0f, s.frequency_penalty = -1e20f, s.dry_multiplier = 16777217.0f, s.dry_base = 1.5f;
  s.dry_allowed = 1, s.dry_last = 7, s.dry_breakers = {}, s.mirostat = 2, s.mirostat_tau = 4.9f, s.mirostat_eta = 0.7f;
  s.logit_bias = {{0, -std::numeric_limits<float>::infinity()}, {2147483647, 1.5f}, {0, -0.0f}};
  s.banned = {5, 0, 2147483647}, s.seed = std::numeric_limits<std::uint64_t>::max(), s.choice = 4294967295u;
  r.prompt = {1, 0, 2147483647}, r.tokens = {}, r.finish = Finish::stop_string;
  r.logits_hash = 0x0123456789abcdefu, r.isa = "avx2", r.threads = 4, r.chunk = 32;
  r.device = "cuda:0 (\xff), cpu";
  return r;
}

/// A model, and a text of it with its receipt.
struct Made {
  test::TempFolder folder;
  Model model = must(Model::open(write_model(folder), {.threads = 1}));
  std::vector<tools::FileDigest> files = must(tools::file_digests(model));

  tools::Receipt receipt(const GenerateOptions& options, std::string_view prompt = "ab",
                         std::int64_t n_ctx = 128) const {
    Session session = must(model.session({.n_ctx = n_ctx}));
    const Reply reply = must(session.generate(prompt, options));
    return must(tools::make_receipt(session, options, reply, files));
  }
};

GenerateOptions drawn(std::int64_t n = 24, std::uint64_t seed = 3) {
  return {.max_tokens = n, .sampling = {.temp = 0.9f, .seed = seed}};
}

/// Calls visit with the path of each member of each object, as errors name it, and the object and key.
template <class Visit> void each_member(Json& object, const std::string& path, Visit visit) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  for (const std::string& key : keys) {
    const std::string full = path.empty() ? key : path + "." + key;
    if (object[key].is_object()) each_member(object[key], full, visit);
    if (object[key].is_array() && !object[key].empty() && object[key][0].is_object())
      each_member(object[key][0], full + "[0]", visit);
    visit(full, object, key);
  }
}

/// Values that are no token ids, which stand in lists.
std::size_t n_values(const Json& json) {
  std::size_t n = 1;
  for (const Json& inner : json)
    if (json.is_structured()) n += json.is_array() && inner.is_number() ? 0 : n_values(inner);
  return n;
}

}  // namespace

TEST_CASE("what goes into a receipt comes out of it") {
  const tools::Receipt r = odd_receipt();
  const std::string text = must(tools::to_json(r));
  const tools::Receipt back = must(tools::read_receipt(text));
  CHECK(must(tools::to_json(back)) == text);
  CHECK(back.path == r.path);
  CHECK(back.files == r.files);
  CHECK(back.template_sha256 == r.template_sha256);
  CHECK((back.n_ctx == r.n_ctx && back.kv == r.kv && back.finish == r.finish && back.logits_hash == r.logits_hash));
  CHECK((back.isa == r.isa && back.threads == r.threads && back.chunk == r.chunk && back.hearth == r.hearth &&
         back.device == r.device));
  CHECK((back.prompt == r.prompt && back.tokens == r.tokens));
  const GenerateOptions &a = back.generate, &b = r.generate;
  CHECK((a.max_tokens == b.max_tokens && a.stop == b.stop && a.echo && a.special && a.grammar == b.grammar));
  CHECK((a.json_schema == b.json_schema && a.regex == b.regex && a.grammar_triggers == b.grammar_triggers));
  CHECK((a.reasoning_opens == b.reasoning_opens && a.reasoning_closes == b.reasoning_closes));
  const SamplingOptions &s = a.sampling, &t = b.sampling;
  for (const auto member :
       {&SamplingOptions::temp, &SamplingOptions::dynatemp_range, &SamplingOptions::dynatemp_exponent,
        &SamplingOptions::top_p, &SamplingOptions::min_p, &SamplingOptions::typical_p, &SamplingOptions::top_n_sigma,
        &SamplingOptions::xtc_probability, &SamplingOptions::xtc_threshold, &SamplingOptions::repeat_penalty,
        &SamplingOptions::presence_penalty, &SamplingOptions::frequency_penalty, &SamplingOptions::dry_multiplier,
        &SamplingOptions::dry_base, &SamplingOptions::mirostat_tau, &SamplingOptions::mirostat_eta})
    CHECK(std::bit_cast<std::uint32_t>(s.*member) == std::bit_cast<std::uint32_t>(t.*member));
  for (const auto member : {&SamplingOptions::top_k, &SamplingOptions::repeat_last, &SamplingOptions::dry_allowed,
                            &SamplingOptions::dry_last, &SamplingOptions::mirostat})
    CHECK(s.*member == t.*member);
  CHECK((s.seed == t.seed && s.choice == t.choice && s.banned == t.banned && s.dry_breakers == t.dry_breakers));
  REQUIRE(s.logit_bias.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(s.logit_bias[i].id == t.logit_bias[i].id);
    CHECK(std::bit_cast<std::uint32_t>(s.logit_bias[i].bias) == std::bit_cast<std::uint32_t>(t.logit_bias[i].bias));
  }
  const Json plain = Json::parse(text);  // any reader's view of it
  CHECK(plain["settings"]["sampling"]["seed"] == "18446744073709551615");
  CHECK(plain["settings"]["stop"] == Json::parse(R"(["\n", "a\u0000b", {"hex": "e282"}])"));
  CHECK(plain["output"]["sha256"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");  // of nothing
}

TEST_CASE("the CPU is the device of a receipt that names none, as those from before there were others") {
  tools::Receipt r = odd_receipt();
  r.device = "cpu";
  const std::string text = must(tools::to_json(r));
  CHECK_FALSE(Json::parse(text)["machine"].contains("device"));
  CHECK(must(tools::read_receipt(text)).device == "cpu");
}

TEST_CASE("each float comes back bit for bit") {
  tools::Receipt r = odd_receipt();
  std::mt19937 random(1);
  r.generate.sampling.logit_bias.clear();
  for (int i = 0; i < 5000;) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    r.generate.sampling.logit_bias.push_back({i++, value});
  }
  const tools::Receipt back = must(tools::read_receipt(must(tools::to_json(r))));
  bool same = true;
  for (std::size_t i = 0; i < 5000; ++i)
    same = same && std::bit_cast<std::uint32_t>(back.generate.sampling.logit_bias[i].bias) ==
                       std::bit_cast<std::uint32_t>(r.generate.sampling.logit_bias[i].bias);
  CHECK(same);
}

TEST_CASE("a host whose decimal point is a comma reads and writes the same receipts") {
  const std::string expected = must(tools::to_json(odd_receipt()));
  const test::CommaLocale locale;
  CHECK(must(tools::to_json(odd_receipt())) == expected);
  CHECK(must(tools::to_json(must(tools::read_receipt(expected)))) == expected);
}

TEST_CASE("each field must be there, of its type, and alone") {
  const Json sound = Json::parse(must(tools::to_json(odd_receipt())));
  Json walked = sound;
  int n_fields = 0;
  each_member(walked, "", [&](const std::string& path, Json& object, const std::string& key) {
    if (key == "hex") return;  // a part of a text
    const bool text = object[key].is_string() || (object[key].is_object() && object[key].contains("hex"));
    ++n_fields;
    const Json kept = object;
    INFO(path);
    object.erase(key);
    const auto generate = [&] { return must(tools::read_receipt(walked.dump())).generate; };
    if (path == "machine.device") CHECK(must(tools::read_receipt(walked.dump())).device == "cpu");
    else if (path == "settings.reasoning_opens" || path == "settings.reasoning_closes")  // as before there were any
      CHECK((key == "reasoning_opens" ? generate().reasoning_opens : generate().reasoning_closes).empty());
    else holds(refused(tools::read_receipt(walked.dump())), path + " is missing");
    for (const Json& other : {Json(nullptr), Json(true), Json("x"), Json(-7), Json(1.5), Json(1e300),
                              Json::array({1.5}), Json::array({nullptr}), Json::object()}) {
      object[key] = other;
      const auto read = tools::read_receipt(walked.dump());
      const bool alike = (text && (other.is_string() || other.is_null())) || other.type() == kept[key].type() ||
                         (other.is_number() && (kept[key].is_number() || kept[key] == "-inf"));
      if (alike && read) continue;
      INFO(other.dump());
      // What is of the right type and out of range is named by the settings' own words.
      const std::string message = refused(read);
      if (message.find("; sampling settings; ") != std::string::npos)
        holds(message, key == "bias" ? "logit_bias" : key);
      else holds(message, path);
    }
    object = kept;
    object["another"] = 1;
    const std::string place = path.substr(0, path.size() - key.size());
    holds(refused(tools::read_receipt(walked.dump())), place + "another is no field");
    object = kept;
  });
  CHECK(n_fields == 66);
  CHECK(walked == sound);
  CHECK(tools::read_receipt(walked.dump()));
  // The order of the fields and the space between them are nobody's business.
  CHECK(must(tools::to_json(must(tools::read_receipt(nlohmann::json::parse(sound.dump()).dump(3))))) ==
        must(tools::to_json(odd_receipt())));
}

TEST_CASE("values out of range and altered ids are named") {
  const Json sound = Json::parse(must(tools::to_json(odd_receipt())));
  const auto with = [&](const char* pointer, Json value) {
    Json changed = sound;
    changed[Json::json_pointer(pointer)] = std::move(value);
    return refused(tools::read_receipt(changed.dump()));
  };
  holds(with("/receipt", 2), "receipt is 2, this version of Hearth reads 1");
  holds(with("/arithmetic", 0), "arithmetic is not a whole number from 1");
  holds(with("/settings/n_ctx", 0), "settings.n_ctx is not a whole number from 1 to 9223372036854775807");
  holds(with("/settings/n_ctx", 9223372036854775808u), "settings.n_ctx");
  holds(with("/settings/max_tokens", -2), "settings.max_tokens is not a whole number from -1");
  holds(with("/settings/kv", "f8"), "settings.kv is not f16|f32|q8_0");
  holds(with("/output/finish", "bored"), "output.finish is not end_of_text|stop_string|");
  holds(with("/output/logits", "123"), "output.logits is not 16 lower-case hexadecimal digits");
  holds(with("/output/logits", "0123456789ABCDEF"), "output.logits");
  holds(with("/settings/sampling/temp", -0.1), "temp is -0.1; sampling settings; use a value in [0, inf)");
  holds(with("/settings/sampling/top_p", 1.01), "top_p is 1.01");
  holds(with("/settings/sampling/mirostat", 3), "mirostat is 3");
  holds(with("/settings/sampling/temp", 1e39), "settings.sampling.temp is not a number that a 32-bit float holds");
  holds(with("/settings/sampling/temp", "-inf"), "temp is -inf");
  for (const char* seed : {"", "-1", "1.0", " 1", "18446744073709551616", "0x1"})
    holds(with("/settings/sampling/seed", seed), "settings.sampling.seed");
  holds(with("/model/files", Json::array()), "model.files is empty");
  holds(with("/model/path", {{"hex", "abc"}}), "model.path");
  holds(with("/model/path", {{"hex", "FF"}}), "model.path");
  holds(with("/prompt/ids", Json::array()), "prompt.sha256 is not that of the ids beside it");
  holds(with("/prompt/ids/0", 2), "prompt.sha256 is not that of the ids beside it");
  holds(with("/prompt/ids/0", 2147483648u), "prompt.ids is not a list of token ids");
  holds(with("/output/ids", Json::array({7})), "output.sha256 is not that of the ids beside it");
  holds(with("/output/sha256", kZeros), "output.sha256 is not that of the ids beside it");
}

TEST_CASE("a receipt that is no JSON or beyond the limits is refused, whatever its bytes") {
  const std::string sound = must(tools::to_json(odd_receipt()));
  for (std::size_t n = 0; n + 2 < sound.size(); ++n) refused(tools::read_receipt(sound.substr(0, n)));
  for (std::size_t at = 0; at < sound.size(); ++at)
    for (const char byte : {'\0', '"', '9', '\xff', '{'}) {
      std::string altered = sound;
      altered[at] = byte;
      if (const auto read = tools::read_receipt(altered); !read) message_of(read.error());
    }
  for (const char* text : {"[]", "1", "null", "\"receipt\"", "{}", "[1]", "{\"receipt\": []}"})
    refused(tools::read_receipt(text));
  std::string twice = sound;
  twice.insert(1, "\"receipt\": 1,");
  holds(refused(tools::read_receipt(twice)), "the key 'receipt' twice");
  holds(refused(tools::read_receipt(std::string(1000000, '['))), "nests more than 8 deep");
  holds(refused(tools::read_receipt("[[[[[[[[1.5]]]]]]]]")), "no JSON object");
  std::string padded = sound + std::string((std::size_t{16} << 20) - sound.size(), ' ');
  CHECK(tools::read_receipt(padded));
  holds(refused(tools::read_receipt(padded + " ")), "at most 16777216 are read");
  tools::Receipt r = odd_receipt();
  r.generate.stop.clear();
  const std::size_t most = 100000 - n_values(Json::parse(must(tools::to_json(r))));
  r.generate.stop.assign(most, "x");
  CHECK(tools::to_json(r));
  r.generate.stop.emplace_back("x");
  holds(refused(tools::to_json(r)), "more than 100000 values");
  r = odd_receipt(), r.kv = static_cast<Kv>(9);
  holds(refused(tools::to_json(r)), "settings.kv");
  r = odd_receipt(), r.generate.sampling.temp = std::nanf("");
  holds(refused(tools::to_json(r)), "temp");
  r = odd_receipt(), r.prompt = {-1};
  holds(refused(tools::to_json(r)), "prompt.ids");
}

TEST_CASE("a text is derived again whatever it is computed by") {
  const Made made;
  const auto check = [&](const tools::Receipt& receipt) {
    const tools::Receipt read = must(tools::read_receipt(must(tools::to_json(receipt))));
    for (const std::string& isa : test::isas_here())
      for (const int threads : {1, 2, 4})
        for (const Weights weights : {Weights::file, Weights::repacked}) {
          const Model model =
              must(Model::open(made.model.info().path, {.threads = threads, .isa = isa, .weights = weights}));
          const std::int64_t chunk = threads == 1 ? 512 : threads == 2 ? 1 : 7;
          const auto replay = must(tools::replay(model, read, must(tools::file_digests(model)), {.chunk = chunk}));
          INFO(isa << " threads " << threads << " chunk " << chunk);
          CHECK(replay.same());
          CHECK(replay.reply.tokens == receipt.tokens);
        }
  };
  const Session unused = must(made.model.session({.n_ctx = 8}));
  check(made.receipt({.max_tokens = 20}));
  check(made.receipt({}, "ab", 64));
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1} << 63}) check(made.receipt(drawn(20, seed)));
  GenerateOptions all = drawn(30);
  all.sampling.dynatemp_range = 0.3f, all.sampling.top_k = 200, all.sampling.top_p = 0.95f, all.sampling.min_p = 0.001f;
  all.sampling.typical_p = 0.99f, all.sampling.top_n_sigma = 4, all.sampling.xtc_probability = 0.5f;
  all.sampling.repeat_penalty = 1.2f, all.sampling.repeat_last = -1, all.sampling.presence_penalty = 0.1f;
  all.sampling.frequency_penalty = 0.2f, all.sampling.dry_multiplier = 0.8f, all.sampling.dry_breakers = {"a"};
  all.sampling.logit_bias = {{40, 2.5f}, {41, -std::numeric_limits<float>::infinity()}}, all.sampling.banned = {50, 51};
  all.sampling.choice = 3;
  check(made.receipt(all));
  GenerateOptions mirostat = drawn(20);
  mirostat.sampling.mirostat = 2;
  check(made.receipt(mirostat));
  GenerateOptions grammar = drawn(20);
  grammar.grammar = "root ::= [a-z0-9 ]+";
  check(made.receipt(grammar));
  GenerateOptions schema = drawn(-1);
  schema.json_schema = R"({"type": "array", "items": {"enum": [1, 2]}, "minItems": 2, "maxItems": 3})";
  const auto valid = made.receipt(schema);
  CHECK(valid.finish == Finish::end_of_text);
  check(valid);
  GenerateOptions regex = drawn(-1);
  regex.regex = "[ab]{3}c";
  check(made.receipt(regex));
}

TEST_CASE("a text that was stopped is derived again to where it was stopped") {
  const Made made;
  const auto same = [&](const tools::Receipt& receipt) {
    const auto replay = must(tools::replay(made.model, receipt, made.files));
    CHECK(replay.same());
    CHECK(replay.reply.tokens == receipt.tokens);
  };
  Session session = must(made.model.session({.n_ctx = 128}));
  int n_pieces = 0;
  const Reply cut = must(session.generate("ab", drawn(60), [&](std::string_view) { return ++n_pieces < 5; }));
  REQUIRE(cut.finish == Finish::cancelled);
  const auto cancelled = must(tools::make_receipt(session, drawn(60), cut, made.files));
  CHECK(cancelled.tokens.size() < 60);
  same(cancelled);
  const std::string text = must(made.model.session({.n_ctx = 128})).generate("ab", drawn(60))->text;
  GenerateOptions stopped = drawn(60);
  stopped.stop = {text.substr(text.size() / 2, 6)};
  const auto by_stop = made.receipt(stopped);
  CHECK(by_stop.finish == Finish::stop_string);
  same(by_stop);
  same(made.receipt({.max_tokens = 0}));
  const auto full = made.receipt(drawn(-1), "ab", 20);
  if (full.finish == Finish::context_full) CHECK(full.prompt.size() + full.tokens.size() == 20);
  same(full);
  GenerateOptions echoed = drawn(8);
  echoed.echo = true, echoed.stop = {"b"};  // found in the prompt
  const auto in_prompt = made.receipt(echoed);
  CHECK(in_prompt.tokens.empty());
  same(in_prompt);
}

TEST_CASE("what a session had before is the prompt, and a chat's template is named") {
  const Made made;
  Session session = must(made.model.session({.n_ctx = 256}));
  must(session.generate("ab", drawn(10)));
  const Reply second = must(session.generate(" a b", drawn(10, 8)));
  const auto receipt = must(tools::make_receipt(session, drawn(10, 8), second, made.files));
  CHECK(static_cast<std::int64_t>(receipt.prompt.size()) > second.n_prompt);
  CHECK(must(tools::replay(made.model, receipt, made.files)).same());
  GenerateOptions echo = drawn(4);
  echo.echo = true;
  const Reply echoed = must(session.generate("a", echo));
  holds(refused(tools::make_receipt(session, echo, echoed, made.files)), "echo");
  holds(refused(tools::make_receipt(session, drawn(10, 8), second, made.files)), "does not end with this reply");
  holds(refused(tools::make_receipt(session, drawn(4), echoed, {})), "digests");

  const std::string source = "{{ bos_token }}{% for m in messages %}{{ m.content }}|{% endfor %}";
  const ChatOptions options{.generate = drawn(12), .chat_template = source};
  Session talk = must(made.model.session({.n_ctx = 256}));
  must(talk.chat("ab", options));
  const ChatReply turn = must(talk.chat("a", options));
  const auto chat = must(tools::make_receipt(talk, options, turn, made.files));
  tools::Sha256 hash;
  hash.update(std::as_bytes(std::span(source)));
  CHECK(chat.template_sha256 == hash.hex());
  CHECK(chat.generate.special);
  CHECK(static_cast<std::int64_t>(chat.prompt.size()) == turn.generation.n_prompt);
  CHECK(must(tools::replay(made.model, must(tools::read_receipt(must(tools::to_json(chat)))), made.files)).same());
}

TEST_CASE("what differs is found, and other grounds are refused before anything runs") {
  const Made made;
  const auto receipt = made.receipt(drawn(24));
  REQUIRE(receipt.tokens.size() == 24);
  const auto replayed = [&](auto change) {
    tools::Receipt changed = receipt;
    change(changed);
    return must(tools::replay(made.model, changed, made.files));
  };
  for (const std::size_t at : {std::size_t{0}, std::size_t{11}, std::size_t{23}}) {
    const auto replay = replayed([&](tools::Receipt& r) { r.tokens[at] ^= 1; });
    CHECK(replay.differs == static_cast<std::int64_t>(at));
    CHECK_FALSE(replay.same());
  }
  CHECK(replayed([](tools::Receipt& r) { r.tokens.pop_back(); }).differs == 23);
  CHECK(replayed([](tools::Receipt& r) { r.tokens.push_back(5), r.generate.max_tokens = -1; }).differs.value_or(0) >=
        24);
  CHECK(replayed([](tools::Receipt& r) { r.generate.sampling.seed = 4; }).differs);
  CHECK(replayed([](tools::Receipt& r) { r.prompt.back() ^= 1; }).differs);
  const auto logits = replayed([](tools::Receipt& r) { r.logits_hash ^= 1; });
  CHECK((!logits.differs && logits.same_finish && !logits.same_logits && !logits.same()));
  const auto finish = replayed([](tools::Receipt& r) { r.finish = Finish::end_of_text; });
  CHECK((!finish.differs && !finish.same_finish && finish.same_logits && !finish.same()));

  const auto refuse = [&](const tools::Receipt& r) { return refused(tools::replay(made.model, r, made.files)); };
  tools::Receipt other = receipt;
  other.arithmetic = 2;
  holds(refuse(other), "arithmetic 2, this version of Hearth has 1");
  other = receipt, other.files[0].sha256 = kZeros;
  holds(refuse(other), kZeros);
  holds(refuse(other), made.files[0].sha256);
  other = receipt, other.files.push_back(other.files[0]);
  holds(refuse(other), "another model's");
  other = receipt, other.files[0].name = "renamed.gguf";
  CHECK(must(tools::replay(made.model, other, made.files)).same());
  other = receipt, other.tokenizer_sha256 = kZeros;
  holds(refuse(other), "tokenizer_sha256");
  other = receipt, other.prompt[0] = 288;
  refuse(other);
  other = receipt, other.n_ctx = 2;
  holds(refuse(other), "context");
  other = receipt, other.generate.grammar = "root ::= (";
  refuse(other);
  other = receipt, other.n_ctx = std::numeric_limits<std::int64_t>::max();
  refuse(other);
  const auto cancelled = tools::replay(made.model, receipt, made.files, {.cancelled = [] { return true; }});
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().status() == Status::cancelled);
}

TEST_CASE("the tokenizer's hash is of its keys, in whatever order they stand") {
  const test::TempFolder folder;
  const auto hash_of = [&](const test::ModelEditor& editor) {
    REQUIRE(editor.write(folder / "m.gguf") != 0);
    const Model model = must(Model::open(folder / "m.gguf", {.threads = 1}));
    Session session = must(model.session({.n_ctx = 16}));
    const Reply reply = must(session.generate("a", {.max_tokens = 1}));
    return must(tools::make_receipt(session, {.max_tokens = 1}, reply, must(tools::file_digests(model))))
        .tokenizer_sha256;
  };
  test::ModelEditor plain, moved, other, elsewhere;
  moved.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});  // goes to the end
  other.set("tokenizer.ggml.bos_token_id", std::int32_t{1});   // the same value, of another type
  elsewhere.set("general.name", std::string("another"));
  const std::string hash = hash_of(plain);
  CHECK(hash == hash_of(moved));
  CHECK(hash != hash_of(other));
  CHECK(hash == hash_of(elsewhere));
}

TEST_CASE("a receipt's file is whole or not there") {
  const test::TempFolder folder;
  const std::string path = folder / "r.json";
  REQUIRE(tools::check_writable(path));
  CHECK(std::filesystem::is_empty(path.substr(0, path.rfind('/'))));
  REQUIRE(tools::save_receipt(odd_receipt(), path));
  CHECK(test::read_file(path) == must(tools::to_json(odd_receipt())));
  CHECK(must(tools::to_json(must(tools::load_receipt(path)))) == test::read_file(path));
  tools::Receipt wrong = odd_receipt();
  wrong.tokenizer_sha256 = "short";
  refused(tools::save_receipt(wrong, path));
  CHECK(must(tools::to_json(odd_receipt())) == test::read_file(path));
  for (const std::string& bad : {std::string(folder / "no/such/folder"), std::string(), std::string("/dev/null")}) {
    refused(tools::save_receipt(odd_receipt(), bad));
    refused(tools::check_writable(bad));
    refused(tools::load_receipt(bad));
  }
  std::ofstream(path) << "{}";
  holds(refused(tools::load_receipt(path)), "r.json");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);
  holds(refused(tools::load_receipt(path)), "at most 16777216 are read");
}

}  // namespace receipt_test
