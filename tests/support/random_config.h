// Enters: a made-up model. Leaves: its numbers, as the loader reads them.
#pragma once

#include <vector>

#include "catch.hpp"
#include "config.h"
#include "gguf_reader.h"
#include "random_model.h"

namespace hearth::test {

inline model::Config config_from(const std::vector<std::byte>& bytes) {
  auto file = gguf::File::parse(bytes, "random");
  REQUIRE(file);
  auto config = model::read_config(*file);
  REQUIRE(config);
  return *config;
}

inline model::Config config_of(const RandomModel& m) { return config_from(make_random_model(m)); }

}  // namespace hearth::test
