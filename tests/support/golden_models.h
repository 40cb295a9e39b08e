// Enters: tests/golden/models. Leaves: what each of its folders holds, and the GGUF file that it becomes.
#pragma once

#include <hearth/tools.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/npy.h"
#include "support/test_data.h"

namespace hearth::test {

struct GoldenModel {
  std::string name;
  std::filesystem::path folder;
  std::vector<std::int32_t> tokens, greedy;
  std::int64_t n_ctx = 0;  // the context that the reference is for; 0: any
  std::string pooling;     // of an embedding model; empty: the reference is logits
};

inline std::vector<GoldenModel> golden_models() {
  std::vector<GoldenModel> models;
  for (const auto& entry : std::filesystem::directory_iterator(HEARTH_SOURCE_DIR "/tests/golden/models")) {
    if (!entry.is_directory()) continue;
    const nlohmann::json golden = nlohmann::json::parse(read_file(entry.path() / "golden.json"));
    models.push_back({entry.path().filename(), entry.path(), golden["tokens"],
                      golden.value("greedy", std::vector<std::int32_t>()), golden["n_ctx"],
                      golden.value("pooling", "")});
  }
  REQUIRE(models.size() >= 30);
  return models;
}

/// Converts to F32 at `path`, which it returns; the family's name in GGUF goes to `architecture`.
inline std::string converted(const GoldenModel& golden, const std::filesystem::path& path,
                             std::string* architecture = nullptr) {
  const auto report = tools::convert(golden.folder / "hf", path, {.type = "f32"});
  if (!report) FAIL(report.error().message());
  if (architecture) *architecture = report->architecture;
  return path;
}

}  // namespace hearth::test
