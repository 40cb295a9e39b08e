// libhearth.so as a program that loads it at run time sees it: it comes, works under any locale, and goes without a trace.
#include <dlfcn.h>
#include <hearth/hearth.h>

#include <clocale>
#include <locale>

#include "host.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/run_program.h"
#include "support/sanitized.h"
#include "support/test_data.h"

namespace c_library_test {

using namespace hearth;

namespace {

class Library {
 public:
  Library() : handle_(::dlopen(HEARTH_SHARED_LIBRARY, RTLD_NOW | RTLD_LOCAL)) {
    INFO((handle_ ? "" : ::dlerror()));
    REQUIRE(handle_);
  }
  ~Library() { ::dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  template <class Function> Function* find(const char* name, Function*) const {
    auto* function = reinterpret_cast<Function*>(::dlsym(handle_, name));
    REQUIRE(function);
    return function;
  }

 private:
  void* handle_;
};
#define FROM(library, name) (library).find(#name, &name)

std::size_t lines_in(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::size_t n = 0;
  while (std::getline(file, line)) ++n;
  return n;
}

std::size_t resident_pages() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident;
}

/// Opens, generates and frees; the hash of what came.
std::uint64_t use(const Library& library, const std::string& path) {
  hearth_model* model = nullptr;
  hearth_session* session = nullptr;
  hearth_generate_options options;
  hearth_reply reply{};
  reply.size = sizeof reply;
  REQUIRE(FROM(library, hearth_generate_options_init)(&options, sizeof options) == HEARTH_OK);
  options.max_tokens = 4;
  REQUIRE(FROM(library, hearth_model_open)(path.c_str(), nullptr, &model, nullptr) == HEARTH_OK);
  REQUIRE(FROM(library, hearth_session_new)(model, nullptr, &session, nullptr) == HEARTH_OK);
  REQUIRE(FROM(library, hearth_session_generate)(session, "ab", 2, &options, nullptr, nullptr, &reply, nullptr) ==
          HEARTH_OK);
  REQUIRE(FROM(library, hearth_session_free)(session) == HEARTH_OK);
  REQUIRE(FROM(library, hearth_model_free)(model) == HEARTH_OK);
  return reply.logits_hash;
}

struct CommaPunctuation : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

}  // namespace

TEST_CASE("A14 loaded and unloaded a thousand times, the library is gone each time and leaves no memory behind") {
  const auto round = [] { CHECK(FROM(Library(), hearth_version)() != nullptr); };
  for (int i = 0; i < 10; ++i) round();
  [[maybe_unused]] const std::size_t maps = lines_in("/proc/self/maps"), pages = resident_pages();
  for (int i = 0; i < 1000; ++i) round();
  CHECK(::dlopen(HEARTH_SHARED_LIBRARY, RTLD_NOW | RTLD_NOLOAD) == nullptr);
#ifndef HEARTH_TEST_SANITIZED  // a sanitizer holds on to what was freed, to know of its use, and to what it knew of the library
  CHECK(lines_in("/proc/self/maps") <= maps);
  CHECK(resident_pages() <= pages + 256);  // 1 MiB: a page a round would be four
#endif
}

TEST_CASE("A14 a library that ran a model is gone as well, its threads too") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model({}, folder / "m.gguf");
  std::uint64_t hash = 0;
  for (int i = 0; i < 10; ++i) {
    const Library library;
    const std::uint64_t now = use(library, path);
    CHECK((hash == 0 || hash == now));
    hash = now;
  }
  CHECK(::dlopen(HEARTH_SHARED_LIBRARY, RTLD_NOW | RTLD_NOLOAD) == nullptr);
  std::size_t n_threads = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) n_threads += entry.exists();
  CHECK(n_threads == 1);
}

TEST_CASE("A14 numbers are numbers where the decimal point is a comma, names are names where i is no small I") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model({}, folder / "m.gguf");
  const Library library;
  const std::uint64_t hash = use(library, path);
  const std::locale before = std::locale::global(std::locale(std::locale(), new CommaPunctuation));
  CHECK(use(library, path) == hash);
  std::locale::global(before);

  for (const std::string name : {"de_DE", "tr_TR"}) {
    const std::string made = (folder / (name + ".UTF-8")).string();
    if (!std::filesystem::exists("/usr/share/i18n/locales/" + name) || !std::filesystem::exists("/usr/bin/localedef")) {
      WARN("SKIPPED: no localedef and " << name << " here, C's own locale was not tried");
      continue;
    }
    test::run_program("/usr/bin/localedef", {.arguments = {"-i", name, "-f", "UTF-8", made}});
    ::setenv("LOCPATH", made.substr(0, made.rfind('/')).c_str(), 1);
    REQUIRE(std::setlocale(LC_ALL, (name + ".UTF-8").c_str()));
    REQUIRE(std::string(std::localeconv()->decimal_point) == ",");
    CHECK(use(library, path) == hash);
    std::setlocale(LC_ALL, "C");
  }
}

}  // namespace c_library_test
