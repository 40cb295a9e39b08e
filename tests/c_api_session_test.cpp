// Sessions through the C API: forked, cut short, saved and restored they have the C++ API's bits; what cannot be done is refused
// and changes nothing, whatever stands in a file, on a disk or in a range.
#include <hearth/hearth.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <hearth/hearth.hpp>
#include <thread>

#include "support/c_api_model.h"
#include "support/forked_child.h"

namespace c_api_session_test {

using namespace hearth;
using test::OpenModel;

namespace {

using Ids = std::vector<std::int32_t>;

Ids text_of(std::size_t n, std::int32_t which = 0) {
  Ids ids(n);
  for (std::size_t i = 0; i < n; ++i)
    ids[i] = static_cast<std::int32_t>(3 + (i * 31 + static_cast<std::size_t>(which) * 57) % 280);
  return ids;
}

/// Goes on for some tokens; the hash of the last logits.
std::uint64_t go_on(hearth_session* session, const Ids& ids, std::int64_t max_tokens = 6) {
  hearth_generate_options options;
  REQUIRE(hearth_generate_options_init(&options, sizeof options) == HEARTH_OK);
  options.max_tokens = max_tokens;
  hearth_reply reply{};
  reply.size = sizeof reply;
  hearth_error error;
  const auto status =
      hearth_session_generate_from(session, ids.data(), ids.size(), &options, nullptr, nullptr, &reply, &error);
  INFO(error.message);
  REQUIRE(status == HEARTH_OK);
  return reply.logits_hash;
}

std::int64_t n_past(hearth_session* session) {
  hearth_session_info info{};
  info.size = sizeof info;
  REQUIRE(hearth_session_describe(session, &info, nullptr) == HEARTH_OK);
  return info.n_past;
}

hearth_session* session_with(const OpenModel& m, std::size_t n) {
  hearth_session_options options;
  REQUIRE(hearth_session_options_init(&options, sizeof options) == HEARTH_OK);
  options.n_ctx = 256, options.reuse = 0;
  hearth_session* session = nullptr;
  REQUIRE(hearth_session_new(m.model, &options, &session, nullptr) == HEARTH_OK);
  if (n > 0) go_on(session, text_of(n), 0);
  return session;
}

/// An error of this status, in full, whose message holds `words`.
void check_refused(hearth_status found, hearth_status expected, const hearth_error& error, const std::string& words) {
  INFO(error.message);
  CHECK(found == expected);
  CHECK(error.status == expected);
  const std::string message = error.message;
  CHECK(message.find(words) != std::string::npos);
  CHECK(std::count(message.begin(), message.end(), ';') >= 2);
}

int no_logits(void*, const float*, std::size_t) { return 0; }

}  // namespace

TEST_CASE("a fork and a restored session go on as the one that they come from, with the bits of C++") {
  const OpenModel m;
  const test::TempFolder folder;
  const std::string path = folder / "a.session";
  hearth_session *session = session_with(m, 100), *fork = nullptr, *restored = nullptr;
  REQUIRE(hearth_session_fork(session, &fork, nullptr) == HEARTH_OK);
  REQUIRE(hearth_session_save(session, path.c_str(), nullptr) == HEARTH_OK);
  REQUIRE(hearth_session_restore(m.model, path.c_str(), &restored, nullptr) == HEARTH_OK);
  CHECK((n_past(fork) == 100 && n_past(restored) == 100));
  hearth_session* itself = fork;
  REQUIRE(hearth_session_fork(itself, &itself, nullptr) == HEARTH_OK);  // into the place that it comes from
  CHECK((itself != fork && n_past(itself) == 100));
  CHECK(hearth_session_free(itself) == HEARTH_OK);
  go_on(fork, text_of(7, 2));  // what a fork does is its own
  const std::uint64_t hash = go_on(session, text_of(5, 1));
  REQUIRE(hearth_session_truncate(fork, 100, nullptr) == HEARTH_OK);
  CHECK(go_on(fork, text_of(5, 1)) == hash);
  CHECK(go_on(restored, text_of(5, 1)) == hash);

  auto model = Model::open(m.path());
  REQUIRE(model);
  auto in_cxx = model->restore(path);  // one format
  REQUIRE(in_cxx);
  auto reply = in_cxx->generate_from(text_of(5, 1), {.max_tokens = 6});
  REQUIRE(reply);
  CHECK(reply->logits_hash == hash);
  for (hearth_session* each : {session, fork, restored}) CHECK(hearth_session_free(each) == HEARTH_OK);
}

TEST_CASE("A5 ids out of range, too many or none: the index or both numbers are named, and nothing is changed") {
  const OpenModel m;
  hearth_session *session = session_with(m, 100), *untouched = session_with(m, 100);
  hearth_error error;
  for (const std::int32_t wrong : {-1, 288, INT32_MAX, INT32_MIN})
    for (const std::size_t at : {0, 3, 9}) {
      Ids ids = text_of(10, 4);
      ids[at] = wrong;
      const std::string index = "index " + std::to_string(at);
      check_refused(
          hearth_session_generate_from(session, ids.data(), ids.size(), nullptr, nullptr, nullptr, nullptr, &error),
          HEARTH_INVALID_ARGUMENT, error, index);
      check_refused(hearth_session_evaluate(session, ids.data(), ids.size(), no_logits, nullptr, &error),
                    HEARTH_INVALID_ARGUMENT, error, index);
      CHECK(n_past(session) == 100);
    }
  const Ids many = text_of(157);  // 100 of 256 positions are taken
  check_refused(
      hearth_session_generate_from(session, many.data(), many.size(), nullptr, nullptr, nullptr, nullptr, &error),
      HEARTH_CONTEXT_FULL, error, "256");
  check_refused(hearth_session_evaluate(session, many.data(), many.size(), no_logits, nullptr, &error),
                HEARTH_CONTEXT_FULL, error, "257");
  for (const std::size_t n : {SIZE_MAX, SIZE_MAX / 4, std::size_t{1} << 63})
    check_refused(hearth_session_evaluate(session, many.data(), n, no_logits, nullptr, &error),
                  n > PTRDIFF_MAX / 4 ? HEARTH_INVALID_ARGUMENT : HEARTH_CONTEXT_FULL, error, "ids");
  CHECK(hearth_session_evaluate(session, nullptr, 0, no_logits, nullptr, &error) == HEARTH_OK);
  CHECK(n_past(session) == 100);
  CHECK(go_on(session, text_of(5, 1)) == go_on(untouched, text_of(5, 1)));
  CHECK(hearth_session_free(session) == HEARTH_OK);
  CHECK(hearth_session_free(untouched) == HEARTH_OK);
}

TEST_CASE("A5 zero tokens in an empty session are refused, after some they go on") {
  const OpenModel m;
  hearth_session* session = session_with(m, 0);
  hearth_error error;
  check_refused(hearth_session_generate_from(session, nullptr, 0, nullptr, nullptr, nullptr, nullptr, &error),
                HEARTH_INVALID_ARGUMENT, error, "empty");
  CHECK(n_past(session) == 0);
  go_on(session, text_of(9), 0);
  hearth_session* whole = session_with(m, 0);
  CHECK(go_on(session, {}) == go_on(whole, text_of(9)));
  CHECK(hearth_session_free(session) == HEARTH_OK);
  CHECK(hearth_session_free(whole) == HEARTH_OK);
}

TEST_CASE("A6 a full context says so; cut short, the next text has the bits that it has in a new session") {
  const OpenModel m;
  hearth_session* session = session_with(m, 0);
  go_on(session, text_of(256), 0);
  CHECK(n_past(session) == 256);
  hearth_error error;
  const Ids one = {5};
  check_refused(hearth_session_generate_from(session, one.data(), 1, nullptr, nullptr, nullptr, nullptr, &error),
                HEARTH_CONTEXT_FULL, error, "256");
  check_refused(hearth_session_evaluate(session, one.data(), 1, no_logits, nullptr, &error), HEARTH_CONTEXT_FULL, error,
                "257");
  for (const std::int64_t wrong : {std::int64_t{-1}, std::int64_t{257}, INT64_MAX, INT64_MIN}) {
    check_refused(hearth_session_truncate(session, wrong, &error), HEARTH_INVALID_ARGUMENT, error, "0 to 256");
    CHECK(n_past(session) == 256);
  }
  CHECK(hearth_session_truncate(session, 256, nullptr) == HEARTH_OK);  // nothing to cut
  for (const std::int64_t n : {250, 249, 192, 128, 65, 64, 63, 1}) {
    INFO("cut to " << n);
    REQUIRE(hearth_session_truncate(session, n, nullptr) == HEARTH_OK);
    CHECK(n_past(session) == n);
    hearth_session* fresh = session_with(m, static_cast<std::size_t>(n));
    CHECK(go_on(session, text_of(3, 9), 2) == go_on(fresh, text_of(3, 9), 2));
    REQUIRE(hearth_session_truncate(session, n, nullptr) == HEARTH_OK);
    CHECK(hearth_session_free(fresh) == HEARTH_OK);
  }
  REQUIRE(hearth_session_truncate(session, 0, nullptr) == HEARTH_OK);
  hearth_session* fresh = session_with(m, 0);
  CHECK(go_on(session, text_of(9)) == go_on(fresh, text_of(9)));
  CHECK(hearth_session_free(session) == HEARTH_OK);
  CHECK(hearth_session_free(fresh) == HEARTH_OK);
}

TEST_CASE("A8 a session that is in a call is forked, cut or saved by nobody") {
  const OpenModel m;
  const test::TempFolder folder;
  const std::string path = folder / "a.session";
  struct Inside {
    hearth_session* session;
    std::string path;
  } inside{m.session, path};
  const auto on_text = [](void* user, const char*, std::size_t) {
    const auto& in = *static_cast<Inside*>(user);
    hearth_session* fork = in.session;
    CHECK(hearth_session_fork(in.session, &fork, nullptr) == HEARTH_BUSY);
    CHECK(fork == nullptr);
    CHECK(hearth_session_truncate(in.session, 0, nullptr) == HEARTH_BUSY);
    CHECK(hearth_session_save(in.session, in.path.c_str(), nullptr) == HEARTH_BUSY);
    return 1;
  };
  REQUIRE(hearth_session_generate(m.session, "ab", 2, nullptr, on_text, &inside, nullptr, nullptr) == HEARTH_OK);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("A3 A10 what is no saved session of this model is refused, and no session comes of it") {
  const OpenModel m;
  const test::TempFolder folder;
  test::RandomModel other;
  other.seed = 2;
  hearth_model* stranger = nullptr;
  REQUIRE(hearth_model_open(test::write_random_model(other, folder / "other.gguf").c_str(), nullptr, &stranger,
                            nullptr) == HEARTH_OK);
  hearth_session *session = session_with(m, 20), *none = session;
  const std::string path = folder / "a.session", bad = folder / "bad.session";
  REQUIRE(hearth_session_save(session, path.c_str(), nullptr) == HEARTH_OK);
  const std::string good = test::read_file(path);
  hearth_error error;
  const auto refused = [&](const hearth_model* by, const std::string& from, hearth_status expected,
                           const std::string& words) {
    none = session;
    check_refused(hearth_session_restore(const_cast<hearth_model*>(by), from.c_str(), &none, &error), expected, error,
                  words);
    CHECK(none == nullptr);
  };
  refused(stranger, path, HEARTH_INVALID_ARGUMENT, "another model");
  refused(m.model, folder / "absent", HEARTH_NOT_FOUND, "absent");
  refused(m.model, "", HEARTH_INVALID_ARGUMENT, "empty");
  refused(m.model, m.path(), HEARTH_MALFORMED, "no saved session");
  refused(m.model, folder / "", HEARTH_IO, "directory");
  refused(m.model, "/dev/zero", HEARTH_IO, "/dev/zero");
  refused(m.model, std::string(5000, 'a'), HEARTH_IO, "too long");
  for (std::size_t n = 0; n < good.size();
       n += n < 400 || n + 100 > good.size() ? 1 : 499) {  // each boundary lies in these
    std::ofstream(bad, std::ios::binary).write(good.data(), static_cast<std::streamsize>(n));
    refused(m.model, bad, HEARTH_MALFORMED, "session");
    std::string flipped = good;
    flipped[n] = static_cast<char>(flipped[n] ^ 0x10);
    std::ofstream(bad, std::ios::binary).write(flipped.data(), static_cast<std::streamsize>(flipped.size()));
    none = session;
    const auto status = hearth_session_restore(m.model, bad.c_str(), &none, &error);
    CHECK((status == HEARTH_MALFORMED || status == HEARTH_UNSUPPORTED));
    CHECK(none == nullptr);
  }
  CHECK(n_past(session) == 20);
  CHECK(hearth_session_free(session) == HEARTH_OK);
  CHECK(hearth_model_free(stranger) == HEARTH_OK);
}

TEST_CASE("A11 saving where it cannot be done is an error, leaves the old file whole and nothing beside it") {
  const OpenModel m;
  const test::TempFolder folder;
  const std::string path = folder / "a.session";
  hearth_session* session = session_with(m, 100);
  REQUIRE(hearth_session_save(session, path.c_str(), nullptr) == HEARTH_OK);
  const std::string old = test::read_file(path);
  go_on(session, text_of(30, 7), 0);  // the next file would be another one
  hearth_error error;
  const auto n_files = [&] {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "")) n += entry.exists();
    return n;
  };
  const std::size_t n_before = n_files();
  check_refused(hearth_session_save(session, "", &error), HEARTH_INVALID_ARGUMENT, error, "empty");
  check_refused(hearth_session_save(session, (folder / "no/a").c_str(), &error), HEARTH_NOT_FOUND, error, "folder");
  check_refused(hearth_session_save(session, "/dev/full", &error), HEARTH_IO, error, "regular");
  check_refused(hearth_session_save(session, "/proc/self/a", &error), HEARTH_NOT_FOUND, error, "/proc/self/a");
  check_refused(hearth_session_save(session, (folder / "").c_str(), &error), HEARTH_IO, error, "regular");
  check_refused(hearth_session_save(session, std::string(5000, 'a').c_str(), &error), HEARTH_IO, error, "too long");
  CHECK(hearth_session_save(session, ("/proc/" + std::string("\xff\xfe")).c_str(), &error) != HEARTH_OK);

  // A disk that is full after so many bytes: writes come up short, then fail.
  for (const rlim_t limit : {rlim_t{0}, rlim_t{1}, rlim_t{100}, rlim_t{4096}, rlim_t{old.size()}}) {
    const int status = test::status_in_child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit most{limit, limit};
      if (setrlimit(RLIMIT_FSIZE, &most) != 0) return 2;
      return hearth_session_save(session, path.c_str(), nullptr) == HEARTH_IO ? 0 : 1;
    });
    INFO("limit " << limit);
    CHECK(status == 0);
    CHECK(test::read_file(path) == old);
    CHECK(n_files() == n_before);
  }
  // Killed in the middle: whatever the moment, the name stands for one whole file.
  for (const int microseconds : {0, 50, 100, 200, 400, 800, 1600, 3200, 6400}) {
    const pid_t child = fork();
    if (child == 0)
      for (;;) static_cast<void>(hearth_session_save(session, path.c_str(), nullptr));
    REQUIRE(child > 0);
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    REQUIRE(kill(child, SIGKILL) == 0);
    REQUIRE(waitpid(child, nullptr, 0) == child);
    hearth_session* restored = nullptr;
    REQUIRE(hearth_session_restore(m.model, path.c_str(), &restored, nullptr) == HEARTH_OK);
    CHECK((n_past(restored) == 100 || n_past(restored) == 130));
    CHECK(hearth_session_free(restored) == HEARTH_OK);
  }
  CHECK(hearth_session_save(session, path.c_str(), nullptr) == HEARTH_OK);
  CHECK(hearth_session_free(session) == HEARTH_OK);
}

TEST_CASE("A11 a folder that this user may not write to refuses the file and keeps the old one") {
  const OpenModel m;
  const test::TempFolder folder;
  const std::string path = folder / "a.session";
  REQUIRE(hearth_session_save(m.session, path.c_str(), nullptr) == HEARTH_OK);
  const std::string old = test::read_file(path);
  std::filesystem::permissions(folder / "", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec |
                                                std::filesystem::perms::others_exec);
  const int status = test::status_in_child([&] {
    constexpr uid_t kNobody = 65534;
    if (getuid() == 0 && setuid(kNobody) != 0) return 2;
    return hearth_session_save(m.session, path.c_str(), nullptr) == HEARTH_IO ? 0 : 1;
  });
  std::filesystem::permissions(folder / "", std::filesystem::perms::owner_all);
  CHECK(status == 0);
  CHECK(test::read_file(path) == old);
}

}  // namespace c_api_session_test
