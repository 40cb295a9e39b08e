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

TEST_CASE("convert: the summary names the tokens that were left out, and says where there is no tokenizer") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  nlohmann::json tokenizer = small_tokenizer();
  tokenizer["added_tokens"].push_back({{"id", 6}, {"content", "<image_soft_token>"}, {"special", true}});
  folder.write_json("tokenizer.json", tokenizer);
  const std::string out = check_done(hearth_call({"convert", folder.path(), folder.out()})).out;
  CHECK(out.find("\n1 added tokens left out, the embedding has no rows for them: <image_soft_token>\n") !=
        std::string::npos);
  CHECK(out.find("no tokenizer") == std::string::npos);
  std::filesystem::remove(std::filesystem::path(folder.path()) / "tokenizer.json");
  CHECK(check_done(hearth_call({"convert", folder.path(), folder.out()})).out.find("\nno tokenizer: ") !=
        std::string::npos);
}

TEST_CASE("convert: a folder called by a dot has its own name") {
  const HfFolder folder;
  write_small(folder, "LlamaForCausalLM", small_tensors());
  Call call;
  call.arguments = {"-c", "cd \"$1\" && exec \"$0\" convert . \"$2\"", HEARTH_PROGRAM, folder.path(), folder.out()};
  check_done(run_program("/bin/sh", std::move(call)));
  const auto file = hearth::gguf::File::open(folder.out());
  REQUIRE(file);
  CHECK(*file->get_string("general.name") == "hf");
}

}  // namespace convert_cli_test
