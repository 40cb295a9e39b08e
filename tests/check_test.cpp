// Enters: model files, sound and damaged, and tokenizer.json files. Leaves: what `check` must find in them.
#include <cstring>
#include <hearth/tools.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/hearth_program.h"

namespace check_test {

using namespace hearth;
using namespace hearth::test;
using Severity = tools::Finding::Severity;
using Findings = std::vector<tools::Finding>;

namespace {

Findings found(const std::string& path, const tools::CheckOptions& options = {}) {
  const auto findings = tools::check(path, options);
  INFO((findings ? std::string() : findings.error().message()));
  REQUIRE(findings);
  return *findings;
}

std::size_t count(const Findings& findings, Severity severity, const std::string& part, const std::string& words = "") {
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(), [&](const tools::Finding& finding) {
    return finding.severity == severity && finding.part == part && finding.message.find(words) != std::string::npos;
  }));
}

/// The bytes of a small random model, to be damaged.
std::string random_model(kernels::Format format = kernels::Format::f32) {
  RandomModel model;
  model.format = format;
  const std::vector<std::byte> bytes = make_random_model(model);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string written(const TempFolder& folder, const std::string& bytes) {
  const auto path = folder / "model.gguf";
  std::ofstream(path, std::ios::binary) << bytes;
  return path.string();
}

/// The byte in the file where a tensor's data begin.
std::size_t offset_of(const std::string& bytes, std::string_view name) {
  const auto file = gguf::File::parse(std::as_bytes(std::span(bytes)));
  REQUIRE(file);
  const gguf::Tensor* tensor = file->find_tensor(name);
  REQUIRE(tensor);
  return static_cast<std::size_t>(tensor->offset);
}

std::string golden(const std::string& name) { return std::string(HEARTH_SOURCE_DIR) + "/tests/golden/" + name; }

}  // namespace

TEST_CASE("check: a sound model has no fatal finding, and lacks a template") {
  const TempFolder folder;
  const Findings findings = found(written(folder, random_model()), {.tensors = true});
  CHECK(count(findings, Severity::fatal, "tensors") == 0);
  CHECK(count(findings, Severity::note, "template", "tokenizer.chat_template is missing") == 1);
  CHECK(findings.size() == 1);
}

TEST_CASE("check H17: every value that is not finite is found, by tensor and byte") {
  const TempFolder folder;
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity()};
  for (const float value : bad) {
    std::string bytes = random_model();
    const std::size_t at = offset_of(bytes, "blk.1.ffn_down.weight") + 4 * 77;
    std::memcpy(bytes.data() + at, &value, sizeof value);
    const std::string path = written(folder, bytes);
    CHECK(count(found(path), Severity::fatal, "tensors") == 0);  // nobody asked
    const Findings findings = found(path, {.tensors = true});
    CHECK(count(findings, Severity::fatal, "tensors") == 1);
    CHECK(count(findings, Severity::fatal, "tensors", "'blk.1.ffn_down.weight' (F32) has 1 values or scales") == 1);
    CHECK(count(findings, Severity::fatal, "tensors", "in block 77 at byte " + std::to_string(at)) == 1);
  }
}

TEST_CASE("check H16: a block scale that is not finite is found, in any place of a block") {
  const TempFolder folder;
  struct Row {
    kernels::Format format;
    const char* type;
    std::size_t block_bytes, scale_at;
  };
  for (const Row& row : {Row{kernels::Format::q8_0, "Q8_0", 34, 0}, Row{kernels::Format::q4_1, "Q4_1", 20, 2}}) {
    std::string bytes = random_model(row.format);
    const std::size_t begin = offset_of(bytes, "blk.0.ffn_up.weight");
    for (const std::size_t block : {std::size_t{3}, std::size_t{5}}) {
      bytes[begin + block * row.block_bytes + row.scale_at] = '\0';
      bytes[begin + block * row.block_bytes + row.scale_at + 1] = '\x7c';  // infinity as f16
    }
    const Findings findings = found(written(folder, bytes), {.tensors = true});
    CHECK(count(findings, Severity::fatal, "tensors", std::string("(") + row.type + ") has 2 values or scales") == 1);
    CHECK(count(findings, Severity::fatal, "tensors", "in block 3 at byte") == 1);
  }
}

TEST_CASE("check: what is broken is a finding of its part") {
  const TempFolder folder;
  const std::string bytes = random_model();
  CHECK(count(found(written(folder, bytes.substr(0, bytes.size() - 1))), Severity::fatal, "structure") == 1);
  CHECK(count(found(written(folder, "not a model, and longer than a header")), Severity::fatal, "structure") == 1);

  std::string renamed = bytes;
  renamed.replace(renamed.find("blk.1.ffn_down.weight"), 5, "blk.7");
  CHECK(count(found(written(folder, renamed)), Severity::fatal, "model", "blk.1.ffn_down.weight") == 1);

  gguf::Writer writer;
  const std::string tokens[] = {"a", "b", "b", "b"};
  const float scores[4] = {};
  writer.add("tokenizer.ggml.model", "llama");
  writer.add_array("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer.add_array<float>("tokenizer.ggml.scores", scores);
  writer.add("tokenizer.chat_template", std::uint32_t{1});
  const std::string path = (folder / "vocab.gguf").string();
  REQUIRE(writer.write(path));
  const Findings findings = found(path);
  CHECK(count(findings, Severity::note, "tokenizer", "2 tokens have the text of another") == 1);
  CHECK(count(findings, Severity::warning, "tokenizer", "no token ends a text") == 1);
  CHECK(count(findings, Severity::fatal, "template", "tokenizer.chat_template") == 1);

  CHECK_FALSE(tools::check((folder / "absent").string(), {}));
}

TEST_CASE("check: a template that is no template is a finding, whichever it is") {
  const TempFolder folder;
  const std::string path = (folder / "model.gguf").string();
  const auto with = [&](const std::string& plain, const std::string& tools) {
    ModelEditor model;
    model.set("tokenizer.chat_template", plain).set("tokenizer.chat_template.tool_use", tools).write(path);
    return found(path);
  };
  CHECK(count(with("{{ messages }}", "{{ tools }}"), Severity::fatal, "template") == 0);
  const Findings broken = with("\n{% if x %}", "{{ x | nope }}");
  CHECK(count(broken, Severity::fatal, "template", "tokenizer.chat_template: ") == 1);
  CHECK(count(broken, Severity::fatal, "template", "tokenizer.chat_template.tool_use: unknown filter 'nope'") == 1);
  CHECK(count(with("{% include 'x' %}", ""), Severity::warning, "template") == 2);
}

TEST_CASE("check: a tokenizer.json of the same model agrees, one of another does not") {
  // SentencePiece's own vocabulary "bytes" and the tokenizer.json made of it differ by design in NFC alone.
  const std::string model = golden("unigram/bytes.gguf");
  const Findings same = found(model, {.tokenizer = golden("tokenizers_json/unigram_bytes.tokenizer.json")});
  CHECK(count(same, Severity::fatal, "comparison", "token ") == 0);
  CHECK(count(same, Severity::warning, "comparison", "special tokens around") == 0);
  const Findings other = found(model, {.tokenizer = golden("tokenizers_json/gemma.tokenizer.json")});
  CHECK(count(other, Severity::fatal, "comparison", "tokens differ, 10 are listed") == 1);
  CHECK(count(other, Severity::warning, "comparison", "the special tokens around a text differ") == 1);
  CHECK(count(other, Severity::fatal, "comparison", "the tokens of \"Hello world\" differ from index 0") == 1);
  CHECK_FALSE(tools::check(model, {.tokenizer = golden("absent.json")}));
}

TEST_CASE("check: the call") {
  const ModelOnDisk model;
  const Outcome sound = check_done(hearth_call({"check", model.path(), "--tensors"}));
  CHECK(sound.out.rfind("note: tokenizer: 1 token has the text of another", 0) == 0);
  CHECK(sound.out.ends_with("\nnote: template: tokenizer.chat_template is missing: chat needs --template FILE\n"));
  const auto json = nlohmann::json::parse(check_done(hearth_call({"check", model.path(), "--json"})).out);
  CHECK(json["sound"] == true);
  CHECK(json["path"] == model.path());
  CHECK(json["findings"].size() == 2);
  CHECK(json["findings"][0]["severity"] == "note");

  const Outcome broken = hearth_call({"check", "/dev/null"});
  CHECK(broken.exit_code == 1);
  std::ofstream(model.beside("broken.gguf")) << "GGUF";
  const Outcome fatal = hearth_call({"check", model.beside("broken.gguf")});
  CHECK(fatal.exit_code == 1);
  CHECK(fatal.out.rfind("fatal: structure: ", 0) == 0);
  CHECK(fatal.err.rfind("error: 1 finding is fatal; ", 0) == 0);
  CHECK(std::count(fatal.err.begin(), fatal.err.end(), '\n') == 1);
  CHECK(hearth_call({"check", model.beside("broken.gguf"), "--json"}).exit_code == 1);
  check_error(hearth_call({"check", model.beside("absent.gguf")}), 1);
  check_error(hearth_call({"check"}), 2);

  const std::string tokenizer = golden("tokenizers_json/t5.tokenizer.json");
  CHECK(check_done(hearth_call({"tokenize", tokenizer, "-p", "", "--special"})).out == "[1]\n");
  CHECK(check_done(hearth_call({"tokenize", tokenizer, "--decode", "3,592"})).out.size() == 1);
}

}  // namespace check_test
