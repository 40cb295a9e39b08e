// Enters: every option of every subcommand, as the program's own help lists them; prompts and terminals that are bad (rows C1 to C3 of
// BADINPUT.md). Leaves: exit 2 and one line for a wrong call, exit 1 and one line for what cannot be read, escapes shown on a terminal.
#include <pty.h>

#include <fstream>
#include <set>
#include <sstream>

#include "support/hearth_program.h"

namespace cli_badinput_test {

using namespace hearth::test;

namespace {

struct Option {
  std::string name, type;  // type: empty for a flag
  bool repeated = false;
};

struct Subcommand {
  std::string name;
  std::vector<std::string> positionals, required;  // what a call has besides files
  std::vector<Option> options;
};

/// The names at the beginning of the lines below a heading, each with its line; a name without a text beside it has it on the next.
std::vector<std::pair<std::string, std::string>> rows_below(const std::string& help, const std::string& heading) {
  std::vector<std::pair<std::string, std::string>> rows;
  std::istringstream lines(help.substr(std::min(help.find("\n" + heading + ":\n"), help.size())));
  std::string line;
  std::getline(lines, line), std::getline(lines, line);
  while (std::getline(lines, line) && !line.empty()) {
    if (line.rfind("   ", 0) == 0) rows.back().second += line;
    else rows.emplace_back(line.substr(2, line.find(' ', 2) - 2), line.substr(2));
  }
  return rows;
}

std::vector<Subcommand> subcommands() {
  std::vector<Subcommand> all;
  for (const auto& [name, line] : rows_below(check_done(hearth_call({"--help"})).out, "Subcommands")) {
    Subcommand command{name, {}, {}, {}};
    const std::string help = check_done(hearth_call({name, "--help"})).out;
    for (const auto& row : rows_below(help, "Positionals")) command.positionals.push_back(row.first);
    for (const auto& [option, text] : rows_below(help, "Options")) {
      if (option == "-h,--help") continue;
      const std::string rest = text.substr(std::min(option.size() + 1, text.size()));
      if (text.find(" REQUIRED ") != std::string::npos) command.required.insert(command.required.end(), {option, "x"});
      const std::string word = rest.substr(0, rest.find(' '));  // empty: blanks, and the next column
      command.options.push_back(
          {option, word == "Excludes:" ? "" : word, text.find("given again") != std::string::npos});
    }
    all.push_back(std::move(command));
  }
  return all;
}

/// A call that is right so far, with a file for each positional.
std::vector<std::string> call_of(const Subcommand& command, const std::string& path, std::vector<std::string> more) {
  std::vector<std::string> words{command.name};
  words.insert(words.end(), command.positionals.size(), path);
  words.insert(words.end(), command.required.begin(), command.required.end());
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += "'" + word + "' ";
  return text;
}

/// A usage error that names the option, in text without a control character.
void check_refused(const std::vector<std::string>& words, const std::string& option) {
  INFO(joined(words));
  const Outcome outcome = hearth_call(words);
  check_error(outcome, 2);
  CHECK(outcome.err.find(option) != std::string::npos);
}

const std::vector<std::string>& wrong_values(const std::string& type) {
  static const std::vector<std::string> none, numbers = {"1x", "", " 1", "1e99"},
                                              lists = {"1,", "1,x", "99999999999999999999"},
                                              seeds = {"-1", "1x", "18446744073709551616"};
  if (type == "N") return numbers;
  if (type == "N,N,…" || type == "ID,ID,…" || type == "ID") return lists;
  return type == "SEED" ? seeds : none;
}

/// What the program answers whose standard input and output are pipes that do not wait, with nobody at their other ends at first.
std::string on_pipes_that_do_not_wait(std::vector<std::string> words, std::string_view input) {
  Pipe in, out;
  REQUIRE(::fcntl(in.read_end(), F_SETFL, O_NONBLOCK) == 0);
  REQUIRE(::fcntl(out.write_end(), F_SETFL, O_NONBLOCK) == 0);
  words.insert(words.begin(), "hearth");
  const std::vector<char*> arguments = pointers(words);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(in.read_end(), 0), ::dup2(out.write_end(), 1), ::dup2(::open("/dev/null", O_WRONLY), 2);
    ::execv(HEARTH_PROGRAM, arguments.data());
    ::_exit(99);
  }
  out.close(1);
  ::usleep(30000);
  REQUIRE(::write(in.write_end(), input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  in.close(1);
  std::string answer;
  while (drain(out.read_end(), answer)) continue;
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return answer;
}

struct Terminal {
  int ours = -1, theirs = -1;
  Terminal() { REQUIRE(::openpty(&ours, &theirs, nullptr, nullptr, nullptr) == 0); }
  ~Terminal() { ::close(ours), ::close(theirs); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
};

/// What a terminal gets that is the program's stdout and stderr.
std::string on_terminal(std::vector<std::string> words) {
  const Terminal terminal;
  words.insert(words.begin(), "hearth");
  const std::vector<char*> arguments = pointers(words);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(terminal.theirs, 1), ::dup2(terminal.theirs, 2);
    ::execv(HEARTH_PROGRAM, arguments.data());
    ::_exit(99);
  }
  std::string shown;
  int status = 0;
  pollfd ready{terminal.ours, POLLIN, 0};
  for (bool ended = false; !ended || ::poll(&ready, 1, 0) > 0;) {  // the last piece may come with the end
    if (::poll(&ready, 1, 20) > 0) drain(terminal.ours, shown);
    if (!ended) ended = ::waitpid(child, &status, WNOHANG) == child;
  }
  CHECK(WIFEXITED(status));
  return shown;
}

}  // namespace

TEST_CASE("C1: every option of every subcommand: unknown, without its value, twice, of a wrong value") {
  const ModelOnDisk model;
  const std::vector<Subcommand> all = subcommands();
  CHECK(all.size() >= 12);
  std::set<std::string> seen;  // options that several subcommands declare in one place
  for (const Subcommand& command : all) {
    INFO(command.name);
    const auto refused = [&](std::vector<std::string> more, const std::string& option) {
      check_refused(call_of(command, model.path(), std::move(more)), option);
    };
    refused({"--frobnicate"}, "--frobnicate");
    refused({"-Z"}, "-Z");
    refused({"--", "--json"}, "--json");  // what comes after it is no option, and one positional too many
    for (const Option& option : command.options) {
      if (!seen.insert(option.name + " " + option.type).second) continue;
      const std::string bare = option.name.substr(option.name.find_first_not_of('-'));
      if (option.type.empty()) {
        refused({option.name, option.name}, option.name);
        refused({option.name + "=3"}, bare);
        continue;
      }
      refused({option.name}, option.name);
      if (!option.repeated) refused({option.name, "1", option.name, "1"}, option.name);
      for (const std::string& value : wrong_values(option.type)) refused({option.name, value}, option.name);
    }
  }
  CHECK(seen.size() >= 60);
}

TEST_CASE("C1: options may stand before and after the file, and -- ends them") {
  const ModelOnDisk model;
  const std::string& m = model.path();
  const std::string expected = check_done(hearth_call({"run", "-p", "ab", "-n", "3", m})).out;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"run", m, "-p", "ab", "-n", "3"},
                                             {"run", "-p", "ab", m, "-n", "3"},
                                             {"run", "-p", "ab", "-n", "3", "--", m}})
    CHECK(check_done(hearth_call(words)).out == expected);
}

TEST_CASE("C2: a text that is missing, a folder, too large or not there at all, for every subcommand that reads one") {
  const ModelOnDisk model;
  const std::string& m = model.path();
  std::ofstream(model.beside("large")).put('a');
  std::filesystem::resize_file(model.beside("large"), std::uintmax_t{1} << 30);
  std::ofstream(model.beside("t.jinja")) << "{{ messages[0].content }}";
  const std::string source = model.beside("t.jinja");
  for (const std::string& path : {model.beside("none"), model.beside(""), model.beside("large"), std::string()}) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"run", m, "-f", path},
                                               {"tokenize", m, "-f", path},
                                               {"eval", m, "-f", path},
                                               {"embed", m, "-f", path},
                                               {"render", "--template", source, "--context", path},
                                               {"render", "--template", path, "--context", source},
                                               {"chat", m, "-p", "a", "--template", path},
                                               {"run", m, "-p", "a", "--grammar", path},
                                               {"run", m, "-p", "a", "--json-schema", path}}) {
      INFO(joined(words));
      const Outcome outcome = hearth_call(words);
      check_error(outcome, 1);
      if (words[2] != "-f") CHECK(outcome.err.find("the text with -p") == std::string::npos);  // it is no text
    }
  }
  std::ofstream(model.beside("nul"), std::ios::binary) << std::string("a\0b", 3);
  CHECK(check_done(hearth_call({"run", m, "-f", model.beside("nul"), "-n", "0", "--echo"})).out ==
        std::string("a\0b", 3));
  Call closed;
  closed.arguments = {"chat", m, "--template", source};
  closed.close_input = true;
  check_error(hearth_call(std::move(closed)), 1);
}

TEST_CASE("C2: a standard stream that does not wait by itself is waited for") {
  const ModelOnDisk model;
  const std::string& m = model.path();
  std::ofstream(model.beside("long")) << std::string(40000, 'a');  // whose ids are more than a pipe holds
  std::ofstream(model.beside("t.jinja")) << "{{ messages[0].content }}";
  const std::vector<std::string> ids = {"tokenize", m, "-f", model.beside("long")};
  const bool same = on_pipes_that_do_not_wait(ids, "") == check_done(hearth_call(ids)).out;  // too long to be shown
  CHECK(same);
  CHECK(on_pipes_that_do_not_wait({"run", m, "-n", "0", "--echo"}, "ab") == "ab");
  const std::vector<std::string> chat = {"chat", m, "--template", model.beside("t.jinja"), "-n", "4"};
  Call waiting;
  waiting.arguments = chat;
  waiting.input = "ab\n";
  CHECK(on_pipes_that_do_not_wait(chat, "ab\n") == check_done(hearth_call(std::move(waiting))).out);
}

TEST_CASE("C2: a full disk behind stdout is one line and exit 1") {
  const ModelOnDisk model;
  for (const std::string words : {"run \"$1\" -p a -n 3", "tokenize \"$1\" -p a", "inspect \"$1\"", "--help"}) {
    INFO(words);
    Call call;
    call.arguments = {"-c", "exec \"$0\" " + words + " >/dev/full", HEARTH_PROGRAM, model.path()};
    const Outcome outcome = run_program("/bin/sh", std::move(call));
    check_error(outcome, 1);
    CHECK(outcome.err.find("No space left on device; writing standard output") != std::string::npos);
  }
}

TEST_CASE("C3: a terminal is shown the escapes of a prompt, a file's metadata and a call, and acts upon none") {
  const ModelOnDisk model;
  const std::string evil =
      "\x1b[2J\x1b]0;title\a\xc2\x9b"
      "31m\xe2\x80\xae\r";
  const auto harmless = [&](const std::string& shown) {
    INFO(shown);
    CHECK(shown.find('\x1b') == std::string::npos);
    CHECK(shown.find('\a') == std::string::npos);
    CHECK(shown.find("\xc2\x9b") == std::string::npos);
    CHECK(shown.find("\xe2\x80\xae") == std::string::npos);
    return shown.find("\\x1b[2J") != std::string::npos;
  };
  CHECK(harmless(on_terminal({"run", model.path(), "-p", evil, "-n", "0", "--echo"})));
  CHECK(on_terminal({"run", model.path(), "-p", "a\n\tb", "-n", "0", "--echo"}).rfind("a\r\n\tb", 0) == 0);  // as it is
  CHECK(harmless(on_terminal({"run", model.beside(evil), "-p", "a"})));
  static_cast<void>(harmless(on_terminal({evil})));  // which does not come back to it
  CHECK(harmless(on_terminal({"run", "--" + evil})));

  hearth::gguf::Writer writer;
  writer.add("general.architecture", evil);
  writer.add("general.name", evil);
  writer.add(evil, evil);
  REQUIRE(writer.write(model.beside("evil.gguf")));
  CHECK(harmless(on_terminal({"inspect", model.beside("evil.gguf")})));
  static_cast<void>(harmless(on_terminal({"check", model.beside("evil.gguf")})));
  CHECK(harmless(on_terminal({"run", model.beside("evil.gguf"), "-p", "a"})));
  CHECK(harmless(on_terminal({"plan", model.beside("evil.gguf")})));
}

}  // namespace cli_badinput_test
