// Enters: `hearth run` with a grammar, a schema, an expression or triggers, on a small model. Leaves: texts that are what was asked
// for, and errors for what cannot be.
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/hearth_program.h"

namespace constraint_cli_test {

using namespace hearth::test;

namespace {

class Stories {
 public:
  Stories() : model_((data_folder() / "models" / "stories260K.gguf").string()) {}
  const std::string& model() const { return model_; }
  std::string file(const std::string& name, const std::string& text) const {
    const std::string path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Outcome run(std::vector<std::string> options, const std::string& prompt = "Once upon a time") const {
    std::vector<std::string> words{"run", model_, "-p", prompt, "-n", "300", "--threads", "1"};
    words.insert(words.end(), options.begin(), options.end());
    return hearth_call(words);
  }

 private:
  TempFolder folder_;
  std::string model_;
};

}  // namespace

TEST_CASE("run: what a schema asks for is what comes, at any temperature and seed") {
  const Stories stories;
  HEARTH_NEEDS_TEST_DATA(stories.model());
  const std::string schema = stories.file("schema.json", R"({"type":"object","properties":{
      "name":{"type":"string","maxLength":12},"age":{"type":"integer","minimum":3,"maximum":99},
      "kind":{"enum":["cat","dog"]},"friends":{"type":"array","items":{"type":"string","pattern":"^[A-Z][a-z]{1,8}$"},"maxItems":3}},
      "required":["name","age","kind","friends"],"additionalProperties":false})");
  for (const char* seed : {"0", "1", "2"}) {
    const Outcome outcome =
        check_done(stories.run({"--json-schema", schema, "--temp", seed[0] == '0' ? "0" : "1.2", "--seed", seed}));
    CAPTURE(outcome.out);
    const auto value = nlohmann::json::parse(outcome.out, nullptr, false);
    REQUIRE(value.is_object());
    CHECK(value["name"].is_string());
    CHECK((value["age"] >= 3 && value["age"] <= 99));
    CHECK((value["kind"] == "cat" || value["kind"] == "dog"));
    CHECK(value["friends"].size() <= 3);
    CHECK(outcome.err.find("ended: end of text") != std::string::npos);
  }
}

TEST_CASE("run: a grammar, an expression, an empty prompt, a trigger") {
  const Stories stories;
  HEARTH_NEEDS_TEST_DATA(stories.model());
  const std::string grammar = stories.file("g.gbnf", "root ::= \" yes\" | \" no\" \"!\"{2} | \"\\u20ac\"");
  const std::string out = check_done(stories.run({"--grammar", grammar})).out;
  CHECK((out == " yes" || out == " no!!" || out == "\xe2\x82\xac"));
  const std::string begun =
      check_done(stories.run({"--grammar", grammar}, "")).out;  // the first blank is the grammar's
  CHECK((begun == " yes" || begun == " no!!" || begun == "\xe2\x82\xac"));
  const std::string digits = check_done(stories.run({"--regex", "[0-9]{4}-[0-9]{2}", "--temp", "2"})).out;
  CHECK(digits.size() == 7);
  CHECK(digits[4] == '-');
  // Greedy text of this model has a full stop soon; from there on the grammar speaks.
  const std::string lazy = check_done(stories.run({"--grammar", stories.file("end.gbnf", "root ::= \" The end\""),
                                                   "--grammar-trigger", "."}))
                               .out;
  REQUIRE(lazy.size() > 9);
  CHECK(lazy.substr(lazy.size() - 9) == ". The end");
  CHECK(lazy.find('.') == lazy.size() - 9);
}

TEST_CASE("grammar R15: what cannot be kept is an error, never a free text") {
  const ModelOnDisk model;
  const auto run = [&](std::vector<std::string> options) {
    std::vector<std::string> words{"run", model.path(), "-p", "a", "-n", "5"};
    words.insert(words.end(), options.begin(), options.end());
    return hearth_call(words);
  };
  const auto file = [&](const std::string& name, const std::string& text) {
    std::ofstream(model.beside(name), std::ios::binary) << text;
    return model.beside(name);
  };
  check_error(run({"--grammar", file("a", "root ::= x")}), 1);
  check_error(run({"--grammar", file("b", "")}), 1);
  check_error(run({"--grammar", model.beside("none")}), 1);
  check_error(run({"--json-schema", file("c", R"({"not":{}})")}), 1);
  check_error(run({"--json-schema", file("d", "")}), 1);
  check_error(run({"--regex", "(?=a)"}), 1);
  check_error(run({"--grammar-trigger", "x"}), 1);
  check_error(run({"--grammar", file("e", "root ::= \"a\""), "--regex", "a"}), 2);
  check_error(run({"--grammar", file("e", "root ::= \"a\""), "--json-schema", file("f", "{}")}), 2);
  // A chat's turn is bound like a text.
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"--grammar", file("a", "root ::= x")},
                                             {"--json-schema", file("c", R"({"not":{}})")},
                                             {"--regex", "(?=a)"}}) {
    std::vector<std::string> words{"chat", model.path(), "-p",
                                   "a",    "--template", file("t", "{{ messages[0].content }}")};
    words.insert(words.end(), options.begin(), options.end());
    check_error(hearth_call(words), 1);
  }
}

TEST_CASE("grammar R8: where the call forbids what the grammar asks for, the text ends in an error") {
  const ModelOnDisk model;
  std::ofstream(model.beside("g")) << "root ::= \"\\u00e9\"";
  const std::string first_byte = std::to_string(3 + 0xc3),
                    second_byte = std::to_string(3 + 0xa9);  // made_up_vocabulary.h
  const auto run = [&](std::vector<std::string> options) {
    std::vector<std::string> words{"run", model.path(), "-p", "a", "-n", "5", "--grammar", model.beside("g")};
    words.insert(words.end(), options.begin(), options.end());
    return hearth_call(words);
  };
  CHECK(check_done(run({})).out == "\xc3\xa9");
  check_error(run({"--ban", first_byte}), 1);
  check_error(run({"--ban", second_byte}), 1);  // half a character is not written
  check_error(run({"--ban", first_byte, "--temp", "1"}), 1);
}

}  // namespace constraint_cli_test
