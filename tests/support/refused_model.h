// Enters: a sound small model with one thing wrong. Leaves: that opening it is one error in one line, in little time and memory.
#pragma once

#include <algorithm>
#include <cmath>
#include <hearth/hearth.hpp>
#include <initializer_list>
#include <limits>

#include "host.h"
#include "support/catch.hpp"
#include "support/cpu_time.h"
#include "support/random_model.h"
#include "support/test_data.h"

namespace hearth::test {

inline const float kNan = std::nanf("");
inline const float kInf = std::numeric_limits<float>::infinity();

inline void require_one_line(const Error& error, std::initializer_list<std::string_view> fragments) {
  const std::string& message = error.message();
  INFO(message);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.size() < 2000);
  CHECK(std::count(message.begin(), message.end(), ';') >= 2);
  for (const char c : message) CHECK(static_cast<unsigned char>(c) >= 0x20);
  for (const std::string_view fragment : fragments) {
    INFO("fragment: " << fragment);
    CHECK(message.find(fragment) != std::string::npos);
  }
}

/// Opening what `edit` made of a sound model must fail so. Time and memory: E5 (2 s) and P3 (64 MiB + 8 times the file).
template <class Edit>
void refused(Status status, std::initializer_list<std::string_view> fragments, Edit edit,
             const RandomModel& sound = {}) {
  const TempFolder folder;
  const std::string path = folder / "m.gguf";
  ModelEditor editor(sound);
  edit(editor);
  const std::size_t bytes = editor.write(path);
  REQUIRE(bytes > 0);
  const std::uint64_t peak = peak_resident_bytes();
  const double start = cpu_seconds();
  const auto model = Model::open(path, {.threads = 1});
  CHECK(cpu_seconds() - start < 2);
  CHECK(peak_resident_bytes() - peak < (std::uint64_t{64} << 20) + 8 * bytes);
  INFO("expected: " << (fragments.size() != 0 ? *fragments.begin() : std::string_view()));
  REQUIRE_FALSE(model);
  require_one_line(model.error(), fragments);
  CHECK(static_cast<int>(model.error().status()) == static_cast<int>(status));
}

template <class T>
void refused_value(const std::string& key, T value, Status status, std::initializer_list<std::string_view> fragments) {
  INFO(key);
  refused(status, fragments, [&](ModelEditor& m) { m.set(key, value); });
}

}  // namespace hearth::test
