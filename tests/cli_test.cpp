// Enters: calls to `hearth` on a small random model. Leaves: the results that scripts rely on.
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "support/hearth_program.h"

namespace cli_test {

using namespace hearth::test;
using nlohmann::json;

namespace {

struct Npy {
  std::string header;
  std::vector<float> values;
};

Npy read_npy(const std::string& path) {
  const std::string bytes = read_file(path);
  REQUIRE(bytes.size() > 10);
  CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\0", 8));
  const std::size_t length = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  CHECK((10 + length) % 64 == 0);
  Npy npy;
  npy.header = bytes.substr(10, length);
  npy.values.resize((bytes.size() - 10 - length) / sizeof(float));
  std::memcpy(npy.values.data(), bytes.data() + 10 + length, npy.values.size() * sizeof(float));
  return npy;
}

}  // namespace

TEST_CASE("run writes the text alone to stdout and one line of truth to stderr") {
  const ModelOnDisk model;
  const Outcome first = check_done(hearth_call({"run", model.path(), "-p", "ab", "-n", "12"}));
  const Outcome again = check_done(hearth_call({"run", model.path(), "-p", "ab", "-n", "12"}));
  CHECK_FALSE(first.out.empty());
  CHECK(first.out == again.out);
  CHECK(std::count(first.err.begin(), first.err.end(), '\n') == 1);
  for (const char* part : {"prompt 4 tokens", "generated 12", "context ", "threads ", "isa ", "logits ", "ended: "})
    CHECK(first.err.find(part) != std::string::npos);
  const Outcome echoed = check_done(hearth_call({"run", model.path(), "-p", "ab", "-n", "12", "--echo"}));
  CHECK(echoed.out == "ab" + first.out);
}

TEST_CASE("the same seed is the same text, another seed another") {
  const ModelOnDisk model;
  const auto text = [&](const std::string& seed) {
    return check_done(hearth_call({"run", model.path(), "-p", "a", "-n", "24", "--temp", "3", "--seed", seed})).out;
  };
  CHECK(text("5") == text("5"));
  CHECK(text("5") != text("6"));
  CHECK(text("random") != text("random"));
}

TEST_CASE("every word of -p is the prompt, however it looks") {
  const ModelOnDisk model;
  for (const std::string prompt :
       {"-n", "--help", "--stop=", "--", "{}", "[a,b]", "%%", "\"quoted\"", " x ", "a=b", "-5", "\xc3\xa9"})
    CHECK(check_done(hearth_call({"run", model.path(), "-p", prompt, "-n", "0", "--echo"})).out == prompt);
  CHECK(check_done(hearth_call({"run", model.path(), "-p", "", "-n", "0"})).err.find("prompt 1 tokens") !=
        std::string::npos);
  CHECK(check_done(hearth_call({"run", "-n", "0", "-p", "a", "--", model.path()})).out.empty());
}

TEST_CASE("a text ends before each stop") {
  const ModelOnDisk model;
  const std::string whole = check_done(hearth_call({"run", model.path(), "-p", "a", "-n", "40"})).out;
  REQUIRE(whole.size() > 8);
  const std::string stop = whole.substr(4, 3);
  const Outcome stopped =
      check_done(hearth_call({"run", model.path(), "-p", "a", "-n", "40", "--stop", "[,]", "--stop", stop}));
  CHECK(stopped.out == whole.substr(0, whole.find(stop)));
  CHECK(stopped.err.find("ended: stop text") != std::string::npos);
}

TEST_CASE("control characters reach a pipe as they are") {
  const ModelOnDisk model;
  CHECK(check_done(hearth_call({"run", model.path(), "-p", "\x1b[2J\a", "-n", "0", "--echo"})).out == "\x1b[2J\a");
}

TEST_CASE("tokenize gives a JSON array, and decode the text back") {
  const ModelOnDisk model;
  const std::string text = "Gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\xa5\n<s>";
  const Outcome ids = check_done(hearth_call({"tokenize", model.path(), "-p", text}));
  CHECK(ids.err.empty());
  CHECK(json::parse(ids.out).is_array());
  const std::string list = ids.out.substr(1, ids.out.find(']') - 1);
  CHECK(check_done(hearth_call({"tokenize", model.path(), "--decode", list})).out == text);

  std::ofstream(model.beside("text")) << text;
  CHECK(check_done(hearth_call({"tokenize", model.path(), "-f", model.beside("text")})).out == ids.out);
  const auto special =
      json::parse(check_done(hearth_call({"tokenize", model.path(), "-p", "<s>", "--special", "--parse"})).out);
  CHECK(special == json({1, 1}));
  CHECK(check_done(hearth_call({"tokenize", model.path(), "-p", ""})).out == "[]\n");
  std::string pages;
  while (pages.size() < 20000) pages += text;  // more ids than are written at a time
  std::ofstream(model.beside("pages")) << pages;
  const Outcome all = check_done(hearth_call({"tokenize", model.path(), "-f", model.beside("pages")}));
  CHECK(json::parse(all.out).dump() + "\n" == all.out);
  const std::string all_ids = all.out.substr(1, all.out.find(']') - 1);
  CHECK(check_done(hearth_call({"tokenize", model.path(), "--decode", all_ids})).out == pages);
  const Outcome refused = hearth_call({"tokenize", model.path(), "-p", "a", "--pre", "gpt-2"});
  CHECK(refused.exit_code == 1);
  CHECK(refused.err.find("has no pre-tokenizer to choose") != std::string::npos);
}

TEST_CASE("eval --tokens writes a NumPy file, whatever the threads, chunk and weights") {
  const ModelOnDisk model;
  std::set<std::string> hashes;
  for (const std::vector<std::string>& how :
       std::vector<std::vector<std::string>>{{},
                                             {"--threads", "1", "--chunk", "1"},
                                             {"--weights", "file", "--no-mmap"},
                                             {"--weights", "repacked", "--isa", "scalar"}}) {
    std::vector<std::string> words = {
        "eval", model.path(), "--tokens", "1,5,9,200,31", "--logits", model.beside("out.npy"), "--json"};
    words.insert(words.end(), how.begin(), how.end());
    hashes.insert(json::parse(check_done(hearth_call(words)).out)["logits_sha256"].get<std::string>());
    const Npy npy = read_npy(model.beside("out.npy"));
    CHECK(npy.header.find("'descr': '<f4', 'fortran_order': False, 'shape': (5, 288), ") != std::string::npos);
    CHECK(npy.values.size() == 5 * 288);
  }
  CHECK(hashes.size() == 1);
  CHECK(check_done(hearth_call({"eval", model.path(), "--tokens", "1", "--logits", model.beside("out.npy")}))
            .out.empty());
  CHECK(read_npy(model.beside("out.npy")).values.size() == 288);  // the old file was replaced
}

TEST_CASE("eval -f gives perplexity") {
  const ModelOnDisk model;
  std::ofstream(model.beside("text")) << "abcdefghij";
  const Outcome outcome =
      check_done(hearth_call({"eval", model.path(), "-f", model.beside("text"), "--ctx", "4", "--json"}));
  const json answer = json::parse(outcome.out);
  CHECK(answer["tokens"].get<int>() > 0);
  CHECK(answer["ppl"].get<double>() == Approx(std::exp(answer["nll"].get<double>() / answer["tokens"].get<double>())));
  CHECK(answer["logits_sha256"].get<std::string>().size() == 64);
  CHECK(check_done(hearth_call({"eval", model.path(), "-f", model.beside("text")})).out.rfind("perplexity ", 0) == 0);
}

TEST_CASE("inspect shows what the file holds, safe to print") {
  const ModelOnDisk model;
  hearth::gguf::Writer writer;
  writer.add("general.architecture", "unheard-of");
  writer.add("general.name", "\x1b[31mred\xff\xe2\x80\xae");
  writer.add("bad\x1bkey", 1.5f);
  writer.add("nan", std::numeric_limits<float>::quiet_NaN());
  const std::vector<std::uint32_t> many(20, 7);
  writer.add_array<std::uint32_t>("many", many);
  const std::vector<std::byte> zeros(34 * 2);
  const std::uint64_t dims[] = {32, 2};
  writer.add_tensor("t\n", 8, dims, zeros);
  REQUIRE(writer.write(model.beside("odd.gguf")));

  const Outcome outcome = check_done(hearth_call({"inspect", model.beside("odd.gguf"), "--json"}));
  const json report = json::parse(outcome.out);
  CHECK(report["version"] == 3);
  CHECK(report["n_parameters"] == 64);
  CHECK(report["bits_per_weight"] == 8.5);
  CHECK(report["types"]["Q8_0"]["tensors"] == 1);
  CHECK(report["metadata"]["general.architecture"]["value"] == "unheard-of");
  CHECK(report["metadata"]["general.name"]["value"] == "\x1b[31mred\xef\xbf\xbd\xe2\x80\xae");
  CHECK(report["metadata"]["bad\x1bkey"]["value"] == 1.5);
  CHECK(report["metadata"]["nan"]["value"] == "nan");
  CHECK(report["metadata"]["many"]["count"] == 20);
  CHECK(report["metadata"]["many"]["first"].size() == 8);
  CHECK(report["tensors"][0]["name"] == "t\n");
  CHECK(report["tensors"][0]["dims"] == json({32, 2}));

  const std::string text = check_done(hearth_call({"inspect", model.beside("odd.gguf")})).out;
  for (const std::string& shown : {outcome.out, text}) {
    CHECK(shown.find('\x1b') == std::string::npos);
    CHECK(shown.find("\xe2\x80\xae") == std::string::npos);
  }
  CHECK(text.find("8.50 bits per weight") != std::string::npos);
}

TEST_CASE("info --json has the contract's fields") {
  const json info = json::parse(check_done(hearth_call({"info", "--json"})).out);
  CHECK(info["version"].is_string());
  CHECK(info["arithmetic"] == 1);
  CHECK(info["isas"][0] == "scalar");
  CHECK(info["isa"] == info["isas"].back());
  CHECK(info["threads"].get<int>() >= 1);
  CHECK(info["read_gbps"].get<double>() > 0);
  CHECK(json::parse(check_done(hearth_call({"info", "--json", "--isa", "scalar"})).out)["isa"] == "scalar");
}

TEST_CASE("every instruction set is an option with the same bits or an error that names it, for every type of cache") {
  const TempFolder folder;
  RandomModel heads_of_32;
  heads_of_32.dim = 128;
  const std::string path = write_random_model(heads_of_32, folder / "m.gguf"), logits = folder / "out.npy";
  const json here = json::parse(check_done(hearth_call({"info", "--json"})).out)["isas"];
  std::map<std::string, std::set<std::string>> hashes;
  for (const std::string kv : {"f16", "f32", "q8_0"})
    for (const std::string isa : {"scalar", "avx2", "avxvnni", "avx512", "amx", "neon"}) {
      INFO(kv << " " << isa);
      const Outcome outcome = hearth_call(
          {"eval", path, "--tokens", "1,5,9,200,31", "--logits", logits, "--json", "--kv", kv, "--isa", isa});
      if (std::find(here.begin(), here.end(), json(isa)) == here.end()) {
        check_error(outcome, 1);
        CHECK(outcome.err.find("instruction set '" + isa + "'") != std::string::npos);
      } else {
        hashes[kv].insert(json::parse(check_done(outcome).out)["logits_sha256"].get<std::string>());
      }
    }
  std::set<std::string> all;
  for (const auto& [kv, same] : hashes) {
    CHECK(same.size() == 1);
    all.insert(same.begin(), same.end());
  }
  CHECK(all.size() == 3);
}

TEST_CASE("without MODEL the bundled model runs") {
  if (!std::filesystem::exists(std::filesystem::path(HEARTH_SOURCE_DIR) / "models" / "hearth-stories.gguf")) return;
  CHECK_FALSE(check_done(hearth_call({"run", "-p", "Once upon a time", "-n", "16"})).out.empty());
}

}  // namespace cli_test
