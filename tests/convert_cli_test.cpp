// Enters: calls of `hearth convert`. Leaves: a model file that the program itself reads, or one error and the old file.
#include "support/catch.hpp"
#include "support/hearth_program.h"
#include "support/hf_folder.h"

namespace convert_cli_test {

using namespace hearth::test;

TEST_CASE("convert: a folder becomes a file that the program reads and runs", "[convert]") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  const Outcome done = check_done(hearth_call({"convert", folder.path(), folder.out(), "--type", "f16"}));
  CHECK(done.out.rfind("llama, ", 0) == 0);
  CHECK(check_done(hearth_call({"tokenize", folder.out(), "-p", "ab a"})).out == "[2,3,0]\n");
  check_done(hearth_call({"check", folder.out(), "--tensors"}));
  CHECK(hearth_call({"run", folder.out(), "-p", "ab", "-n", "2"}).exit_code == 0);
}

TEST_CASE("convert: what cannot be done leaves the old file", "[convert]") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  check_done(hearth_call({"convert", folder.path(), folder.out()}));
  const std::string before = read_file(folder.out());
  folder.write("model.safetensors", "damaged");
  check_error(hearth_call({"convert", folder.path(), folder.out()}), 1);
  check_error(hearth_call({"convert", folder.path() + "/absent", folder.out()}), 1);
  check_error(hearth_call({"convert", folder.path(), folder.out(), "--type", "q9"}), 1);
  CHECK(read_file(folder.out()) == before);
  CHECK(folder.others() == 1);
  check_error(hearth_call({"convert", folder.path()}), 2);
}

}  // namespace convert_cli_test
