// Sessions in files: what is saved goes on with the same bits, in every kind of model; what is cut, altered, or another model's is
// refused, and an old file survives what fails. Forks and truncation by the same measure.
#include <filesystem>
#include <fstream>
#include <hearth/hearth.hpp>
#include <hearth/tools.hpp>

#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace session_file_test {

using namespace hearth;

namespace {

std::string write_kind(const test::TempFolder& folder, int kind, std::uint64_t seed = 1) {
  test::RandomModel m;
  m.n_ctx = 512, m.seed = seed, m.format = kernels::Format::q8_0;
  if (kind == 1) m.arch = "gemma3", m.window = 40, m.n_layer = 7;
  if (kind == 2) m.arch = "qwen3moe", m.n_expert = 6;
  return test::write_random_model(m, folder / ("kind" + std::to_string(kind) + "-" + std::to_string(seed) + ".gguf"));
}

Model open_file(const std::string& path) {
  auto model = Model::open(path, {.threads = 1});
  if (!model) FAIL(model.error().message());
  return *model;
}

std::vector<std::int32_t> long_text(std::int64_t n, std::int64_t which = 0) {
  std::vector<std::int32_t> ids = {1};
  for (std::int64_t i = 1; i < n; ++i) ids.push_back(static_cast<std::int32_t>(3 + (i * 31 + which * 57) % 280));
  return ids;
}

GenerateOptions drawn() { return {.max_tokens = 30, .sampling = {.temp = 1.2f, .top_k = 50, .seed = 9}}; }

Reply go_on(Session& session, std::int64_t which = 3) {
  auto reply = session.generate_from(long_text(5, which), drawn());
  if (!reply) FAIL(reply.error().message());
  return *reply;
}

void same(const Reply& a, const Reply& b) {
  CHECK(a.tokens == b.tokens);
  CHECK(a.logits_hash == b.logits_hash);
}

Session with_text(const Model& model, std::int64_t n) {
  auto session = model.session({.n_ctx = 400, .chunk = 48, .reuse = false});
  if (!session) FAIL(session.error().message());
  auto reply = session->generate_from(long_text(n), drawn());
  if (!reply) FAIL(reply.error().message());
  return std::move(*session);
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The bytes with a checksum that is right for them, as somebody would make it who wants to be believed.
std::string signed_again(std::string bytes) {
  bytes.resize(bytes.size() - 64);
  tools::Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return bytes + hash.hex();
}

}  // namespace

TEST_CASE("a saved session goes on with the bits it would have had, in another process's model too") {
  for (int kind = 0; kind < 3; ++kind) {
    const test::TempFolder folder;
    const std::string path = write_kind(folder, kind);
    const Model model = open_file(path);
    for (const std::int64_t n : {1, 60, 200}) {
      INFO("kind " << kind << " tokens " << n);
      Session session = with_text(model, n);
      auto saved = session.save(folder / "a.session");
      if (!saved) FAIL(saved.error().message());
      const Model other = open_file(path);
      auto restored = other.restore(folder / "a.session");
      if (!restored) FAIL(restored.error().message());
      CHECK(restored->n_past() == session.n_past());
      CHECK(restored->n_ctx() == session.n_ctx());
      same(go_on(*restored), go_on(session));
    }
  }
}

TEST_CASE("a fork goes on by itself, and a session cut short is one that never went further") {
  for (int kind = 0; kind < 3; ++kind) {
    const test::TempFolder folder;
    const Model model = open_file(write_kind(folder, kind));
    Session session = with_text(model, 150), untouched = with_text(model, 150);
    auto fork = session.fork();
    REQUIRE(fork);
    const Reply expected = go_on(untouched);
    INFO("kind " << kind);
    go_on(*fork, 5);
    same(go_on(session), expected);
    for (const std::int64_t n : {151, 100, 20, 0}) {
      INFO("cut to " << n);
      REQUIRE(fork->truncate(n));
      CHECK(fork->n_past() == n);
      Session fresh = with_text(model, 150);
      REQUIRE(fresh.truncate(n));
      if (n == 0) continue;
      same(go_on(*fork), go_on(fresh));
      REQUIRE(fork->truncate(n));
    }
    const std::int64_t n_past = session.n_past();
    for (const std::int64_t wrong : {std::int64_t{-1}, n_past + 1, INT64_MAX, INT64_MIN}) {
      const auto refused = session.truncate(wrong);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().status() == Status::invalid_argument);
    }
    CHECK(session.n_past() == n_past);
  }
}

TEST_CASE("a saved file follows from the text alone: nothing that was cut off is in it") {
  const test::TempFolder folder;
  test::RandomModel heads, latents;
  heads.head_dim = 32, heads.n_layer = 3;
  latents.arch = "deepseek2", latents.n_expert = 4;
  for (const auto& row : {std::pair{heads, Kv::f16}, {heads, Kv::q8_0}, {heads, Kv::f32}, {latents, Kv::f16}}) {
    const Model model = open_file(test::write_random_model(row.first, folder / "m.gguf"));
    const auto saved = [&](std::int64_t n) {
      auto session = model.session({.n_ctx = 200, .kv = row.second, .reuse = false});
      if (!session) FAIL(session.error().message());
      REQUIRE(session->evaluate(long_text(n), [](auto) { return true; }));
      REQUIRE(session->truncate(75));
      REQUIRE(session->save(folder / "a.session"));
      return test::read_file(folder / "a.session");
    };
    INFO(row.first.arch << " " << static_cast<int>(row.second));
    CHECK(saved(75) == saved(120));
  }
}

TEST_CASE("A10 a file that is cut, altered or another model's is refused, and nothing else happens") {
  const test::TempFolder folder;
  const Model model = open_file(write_kind(folder, 0)), stranger = open_file(write_kind(folder, 0, 2));
  Session session = with_text(model, 70);
  REQUIRE(session.save(folder / "good"));
  const std::string good = test::read_file(folder / "good");
  const auto refuse = [&](const Model& by, const std::string& bytes) {
    write_bytes(folder / "bad", bytes);
    const auto restored = by.restore(folder / "bad");
    REQUIRE_FALSE(restored);
    CHECK(restored.error().message().find('\n') == std::string::npos);
    CHECK(std::count(restored.error().message().begin(), restored.error().message().end(), ';') >= 2);
    return restored.error().message();
  };
  CHECK(refuse(stranger, good).find("another model") != std::string::npos);
  for (std::size_t n = 0; n < good.size(); n += n < 400 ? 1 : 997) refuse(model, good.substr(0, n));
  for (std::size_t at = 0; at < good.size(); at += at < 400 ? 1 : 997) {
    std::string altered = good;
    altered[at] = static_cast<char>(altered[at] ^ 0x40);
    refuse(model, altered);
  }
  refuse(model, good + "x");
  // A right checksum does not make wrong numbers right: total on any bytes of the head, counts of 2^63 among them.
  for (std::size_t at = 80; at + 8 < 80 + 4 + 24 + 70 * 4 + 40; ++at)
    for (const char byte : {'\x80', '\xff', '\x7f'}) {
      std::string altered = good;
      if (altered[at] == byte) continue;
      altered[at] = byte;
      write_bytes(folder / "bad", signed_again(altered));
      const auto restored = model.restore(folder / "bad");  // another token or chunk is a sound file
      if (restored) CHECK(restored->n_past() == session.n_past());
    }
  constexpr std::size_t kPlaceOfContext = 84;  // after magic, versions, the model's identity and the KV type
  std::string over = good;
  over.replace(kPlaceOfContext, 8, std::string("\x0a\0\0\0\0\0\0\0", 8));
  CHECK(refuse(model, signed_again(over)).find("10") != std::string::npos);
  CHECK_FALSE(model.restore(folder / "absent"));
  auto restored = model.restore(folder / "good");
  REQUIRE(restored);
  same(go_on(*restored), go_on(session));
}

TEST_CASE("A11 saving where it cannot be done leaves the old file and the session") {
  const test::TempFolder folder;
  const Model model = open_file(write_kind(folder, 0));
  Session session = with_text(model, 70);
  REQUIRE(session.save(folder / "kept"));
  const std::string kept = test::read_file(folder / "kept");
  CHECK_FALSE(session.save(folder / "no-such-folder/a"));
  CHECK_FALSE(session.save(""));
  std::filesystem::create_directory(folder / "taken");
  CHECK_FALSE(session.save(folder / "taken"));
  CHECK(test::read_file(folder / "kept") == kept);
  REQUIRE(session.save(folder / "kept"));
  CHECK(test::read_file(folder / "kept") == kept);  // the same state is the same file
}

}  // namespace session_file_test
