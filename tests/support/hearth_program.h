// Enters: the words of a call to `hearth`. Leaves: what the built program answered; with a small random model to call it on.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "support/random_model.h"
#include "support/run_program.h"
#include "support/test_data.h"

namespace hearth::test {

inline Outcome hearth_call(Call call) { return run_program(HEARTH_PROGRAM, std::move(call)); }

inline Outcome hearth_call(std::vector<std::string> arguments) {
  Call call;
  call.arguments = std::move(arguments);
  return hearth_call(std::move(call));
}

/// "error: WHAT; WHERE; WHAT TO DO" in one line, and nothing on stdout.
inline void check_error(const Outcome& outcome, int exit_code) {
  INFO("stdout: " << outcome.out << "\nstderr: " << outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.rfind("error: ", 0) == 0);
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  CHECK(outcome.err.back() == '\n');
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), ';') >= 2);
}

inline Outcome check_done(Outcome outcome) {
  INFO("stdout: " << outcome.out << "\nstderr: " << outcome.err);
  CHECK(outcome.exit_code == 0);
  return outcome;
}

/// The same file with U+2581 in its vocabulary, so that texts with spaces come back as they were.
inline gguf::Writer with_space_token(const gguf::File& file) {
  gguf::Writer writer;
  for (const gguf::KeyValue& pair : file.metadata()) {
    if (pair.key != "tokenizer.ggml.tokens") {
      writer.copy(pair);
      continue;
    }
    std::vector<std::string_view> tokens = pair.strings;
    tokens.back() = "\xe2\x96\x81";
    writer.add_array(pair.key, tokens);
  }
  for (const gguf::Tensor& tensor : file.tensors())
    writer.add_tensor(tensor.name, tensor.type->id, std::span(tensor.dims).first(tensor.n_dims), tensor.data);
  return writer;
}

/// A random model in a folder of its own, large enough in context to be interrupted.
class ModelOnDisk {
 public:
  ModelOnDisk() : path_((folder_ / "random.gguf").string()) {
    RandomModel model;
    model.n_ctx = 100000;
    const std::vector<std::byte> bytes = make_random_model(model);
    const auto file = gguf::File::parse(bytes);
    REQUIRE(file);
    REQUIRE(with_space_token(*file).write(path_));
  }
  const std::string& path() const { return path_; }
  std::string beside(const std::string& name) const { return (folder_ / name).string(); }

 private:
  TempFolder folder_;
  std::string path_;
};

}  // namespace hearth::test
