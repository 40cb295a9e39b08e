// Enters: templates. Leaves: the texts that Python's jinja2 renders, byte for byte, and errors where they belong.
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "jinja_template.h"
#include "jinja_text_ops.h"
#include "support/catch.hpp"
#include "support/comma_locale.h"
#include "support/cpu_time.h"
#include "support/small_stack.h"
#include "support/test_data.h"

namespace jinja_test {

using namespace hearth;
using namespace hearth::text::jinja;
using nlohmann::ordered_json;

namespace {

constexpr Moment now{2026, 11, 22, 9, 30, 0};

Result<std::string> rendered(const std::string& source, const std::string& variables = "{}",
                             const Limits& limits = {}) {
  auto made = Template::parse(source);
  if (!made) return made.error();
  return made->render(variables, now, limits);
}

std::string text_of(const std::string& source, const std::string& variables = "{}") {
  const auto text = rendered(source, variables);
  INFO(source << (text ? "" : ": " + text.error().message()));
  REQUIRE(text);
  return *text;
}

std::string repeated(const std::string& part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

/// One line "WHAT; template line N; WHAT TO DO", in less than two seconds of an ordinary build.
std::string message_of(const std::string& source, const std::string& variables = "{}", const Limits& limits = {}) {
  const double start = hearth::test::cpu_seconds();
  const auto text = rendered(source, variables, limits);
  const double took = hearth::test::cpu_seconds() - start;
  INFO(source.substr(0, 200));
  CHECK(took < 20);  // a sanitizer build takes ten times as long
  REQUIRE_FALSE(text);
  const std::string message = text.error().message();
  INFO(message);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(std::count(message.begin(), message.end(), ';') >= 2);
  return message;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every template of the reference renders every conversation as Python's jinja2 does") {
  const auto folder = test::data_folder() / "templates";
  HEARTH_NEEDS_TEST_DATA(folder / "cases.jsonl");
  std::ifstream file(folder / "cases.jsonl");
  int n_texts = 0, n_raised = 0, n_errors = 0;
  for (std::string line; std::getline(file, line);) {
    const auto row = ordered_json::parse(line);
    const std::string name = row["template"];
    INFO(name << ", " << row["case"].get<std::string>());
    const auto text = rendered(test::read_file(folder / name), row["context"].dump());
    if (row.contains("expected")) {
      INFO((text ? "" : text.error().message()));
      REQUIRE(text);
      CHECK(*text == row["expected"].get<std::string>());
      ++n_texts;
      continue;
    }
    REQUIRE_FALSE(text);
    if (row.contains("error_kind")) {
      ++n_errors;
      continue;
    }
    CHECK(text.error().message().rfind(row["error"].get<std::string>() + "; template line ", 0) == 0);
    ++n_raised;
  }
  CHECK(n_texts == 384);
  CHECK(n_raised == 10);
  CHECK(n_errors == 86);
}

TEST_CASE("each filter, test, method and statement gives what Python's jinja2 gives") {
  std::ifstream file(std::string(HEARTH_SOURCE_DIR) + "/tests/golden/jinja.jsonl");
  REQUIRE(file);
  int n = 0;
  for (std::string line; std::getline(file, line); ++n) {
    const auto row = ordered_json::parse(line);
    const auto text = rendered(row[0], row.size() > 2 ? row[2].dump() : "{}");
    INFO(row[0].get<std::string>() << (text ? "" : ": " + text.error().message()));
    REQUIRE(static_cast<bool>(text) == !row[1].is_null());
    if (text) CHECK(*text == row[1].get<std::string>());
  }
  CHECK(n > 500);
}

TEST_CASE("an error names what is wrong, the line and what to do") {
  CHECK(message_of("a\nb\n{{ missing.x }}") ==
        "'missing' is undefined; template line 3; correct the template, or what it is given");
  CHECK(has(message_of("{% if x %}\n\n"), "endif"));
  CHECK(has(message_of("{{ 1 | nope }}"), "unknown filter 'nope'; template line 1;"));
  CHECK(has(message_of("{{ 1 is nope }}"), "unknown test 'nope'"));
  CHECK(has(message_of("x\n{% nope %}"), "unknown tag 'nope'; template line 2;"));
  CHECK(message_of("{{ raise_exception('two\nlines') }}").rfind("two\\nlines; template line 1;", 0) == 0);
  CHECK(has(message_of("{{ x }}", "[1]"), "JSON object"));
  CHECK(has(message_of("{{ x }}", "{\"x\": 1"), "breaks JSON"));
  CHECK(has(message_of("{{ x }}", "{\"x\": 18446744073709551615}"), "64 bits"));
}

TEST_CASE("templates that are cut short or broken are errors") {
  for (const char* source :
       {"{{", "{%", "{#", "{% raw %}x", "{% endif %}", "{% if", "{{ 'a", "{{ (1 }}", "{{ ] }}", "{{ a. }}", "{{ a[ }}",
        "{% for x in %}{% endfor %}", "{% set = 1 %}", "{{ \"\\x4\" }}", "{{ \"\\ud800\" }}",
        "{{ 99999999999999999999 }}", "{{ $ }}", "{% include 'file' %}", "{% import 'os' as os %}"})
    message_of(source);
  CHECK(has(message_of("\xff"), "UTF-8"));
  CHECK(has(message_of(repeated("a", Template::kMaxBytes + 1)), "bytes"));
  CHECK(text_of(repeated("a", Template::kMaxBytes)).size() == Template::kMaxBytes);
}

TEST_CASE("nesting has a limit, on both sides of it") {
  CHECK(text_of("{{ " + repeated("[", 38) + repeated("]", 38) + " }}").size() == 76);
  for (const std::string open : {"(", "[", "-", "not ", "x|f(", "x[", "{1:", "+", "x is in ("})
    message_of("{{ " + repeated(open, 50000));
  message_of("{{ x" + repeated(".y", 50000) + " }}");
  message_of("{{ 1" + repeated("|string", 50000) + " }}");
  message_of("{{ 1" + repeated(" if 1 else 1", 20000) + " }}");
  message_of(repeated("{% if 1 %}", 20000));
  message_of(repeated("{% for x in [1] %}", 300) + repeated("{% endfor %}", 300));
  CHECK(text_of("{{ 0" + repeated(" + 1", 50000) + " }}") == "50000");  // a chain is not nested
  CHECK(text_of("{{ ''" + repeated(" ~ 1", 50000) + " }}").size() == 50000);
  CHECK(text_of("{% if 0 %}" + repeated("{% elif 0 %}", 20000) + "{% endif %}").empty());
}

TEST_CASE("a template that does not end, or grows without end, is stopped") {
  const Limits few{.steps = Limits().steps / 10};
  message_of("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  message_of("{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}");
  message_of("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}");
  message_of("{% for x in range(10**9) %}{% endfor %}");
  message_of("{% for x in range(10**18) %}{% endfor %}");
  const std::string loop = "{% for a in range(1000) %}", end = "{% endfor %}";
  message_of(repeated(loop, 6) + "{{ 1 }}" + repeated(end, 6));
  message_of("{{ 'A' * 4000000000 }}");
  message_of("{{ [1] * 4000000000 }}");
  message_of("{{ 'A' * 9223372036854775807 }}");
  message_of("{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}");
  message_of("{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}");
  message_of(
      "{% set ns = namespace(s=[1]) %}{% for i in range(50) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}");
  message_of(
      "{% set ns = namespace(s=[1]) %}{% for i in range(50) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s == ns.s "
      "+ [] }}");
  message_of("{% set ns = namespace(s=[1]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor %}");
  message_of("{{ 'a\nb' | indent(2000000000, true) }}");
  message_of("{{ 'a' | center(2000000000) }}");
  message_of("{{ '%1000000000d' % 1 }}");
  message_of("{{ '%.1000000000f' % 1.5 }}");
  message_of("{{ '{:1000000000}'.format(1) }}");
  message_of("{{ 'a'.zfill(9000000000000000000) }}");
  message_of("{{ '\t'.expandtabs(9000000000000000000) }}");
  message_of("{{ [1] | batch(9000000000000000000, 0) | list }}");
  message_of("{{ [1] | slice(9000000000000000000, 0) | list }}");
  message_of("{% set s = 'a' * 100000 %}{{ s | replace('a', s) }}");
  message_of(
      "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{{ s | length }}{{ s | upper | length }}{% endfor %}",
      "{}", few);
  message_of("{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %}");  // 100 MB of output
  message_of("{{ " + repeated("[", 60) + repeated("]", 60) + " | tojson(indent=100000000) }}");
  message_of("{{ ('a,' * 12000000).split(',') | length }}");
  message_of("{{ [1] | map(attribute='a.' * 60000000) | list }}");
  message_of("{{ [1] | sort(attribute=',' * 60000000) }}");
  message_of("{{ ('a ' * 5000000) | wordwrap(1) | length }}");
  CHECK(text_of("{{ ('a' * 500000) | wordwrap(1) | length }}") == "999999");
  CHECK(text_of("{{ ('-' * 500000) | wordwrap(1) | length }}") == "999999");
  CHECK(text_of("{% set ns = namespace() %}{% set ns.self = ns %}x") == "x");  // a circle is let go
  message_of("{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}");
}

TEST_CASE("tags, brackets and calls inside each other end on a thread's small stack, as text or as an error") {
  const auto nested = [](const std::string& open, const std::string& close, const std::string& inside = "1") {
    return std::vector<std::string>{repeated(open, 36) + inside + repeated(close, 36),
                                    repeated(open, 1000) + inside + repeated(close, 1000)};
  };
  const auto written = [&](const std::string& open, const std::string& close) {
    std::vector<std::string> sources;
    for (const std::string& inside : nested(open, close)) sources.push_back("{{ " + inside + " }}");
    return sources;
  };
  const auto called = [](const std::string& body) {
    return std::vector<std::string>{"{% macro m(n) %}" + body + "{% endmacro %}{{ m(0) }}"};
  };
  const std::vector<std::vector<std::string>> all = {
      written("(", ")"),
      written("[", "]"),
      written("{1:", "}"),
      written("a[", "]"),
      written("a[1:", "]"),
      written("range(", ")"),
      written("a|default(", ")"),
      written("a is eq(", ")"),
      written("a is in [", "]"),
      written("1 if 1 else ", ""),
      written("1 ~ range(", ")"),
      written("not ", ""),
      written("-", ""),
      written("1 or 1 and not 1 == 1 + 1 ~ 1 * 1 ** (", ")"),
      nested("{% if 1 %}", "{% endif %}"),
      nested("{% if 0 %}{% else %}", "{% endif %}"),
      nested("{% for i in [1] %}", "{% endfor %}"),
      nested("{% filter upper %}", "{% endfilter %}"),
      nested("{% set a %}", "{% endset %}"),
      nested("{% with a=1 %}", "{% endwith %}"),
      nested("{% macro m() %}", "{% endmacro %}"),
      nested("{% call m() %}", "{% endcall %}"),
      {"{% for " + repeated("(", 1000) + "a"},
      called("{{ m(n + 1) }}"),
      called("{{ (m(n + 1)|upper|trim)[0:] ~ 'a' }}"),
      called("{{ [[m(n + 1)]] }}"),
      called("{{ m(*[m(n + 1)]) }}"),
      called("{{ {1: m(n + 1)} }}"),
      called("{% if m(n + 1) is eq(1) %}{% endif %}"),
      called("{% for i in [1] if m(n + 1) %}{% endfor %}"),
      called("{% for i in m(n + 1) %}{% endfor %}"),
      called("{% for i in [1] %}{% for j in [1] %}{{ m(n + 1) }}{% endfor %}{% endfor %}"),
      called("{% with a=m(n + 1) %}{% endwith %}"),
      called("{% set a %}{{ m(n + 1) }}{% endset %}"),
      called("{% filter upper %}{{ m(n + 1) }}{% endfilter %}"),
      {"{% macro m(n=m()) %}x{% endmacro %}{{ m() }}"},
      {"{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}"},
      {"{% macro w() %}{{ caller() }}{% endmacro %}"
       "{% macro m(n) %}{% call w() %}{{ m(n + 1) }}{% endcall %}{% endmacro %}{{ m(0) }}"}};
  const std::string deep = R"({"x":)" + repeated("[", 63) + repeated("]", 63) + "}";
  std::size_t n_texts = 0, n_errors = 0;
  test::on_small_stack([&] {
    for (const auto& sources : all)
      for (const std::string& source : sources) ++(rendered(source) ? n_texts : n_errors);
    n_texts += rendered("{{ x|tojson }}{{ x }}{{ x == x }}{{ x < x }}{{ [x]|sort }}", deep) ? 1 : 0;
  });
  CHECK(n_texts >= 15);
  CHECK(n_errors >= 35);
  CHECK(text_of("{{ " + repeated("(", 30) + "1" + repeated(")", 30) + " }}") == "1");
  CHECK(text_of(repeated("{% if 1 %}", 30) + "x" + repeated("{% endif %}", 30)) == "x");
  CHECK(text_of("{% macro m(n) %}{% if n %}{% for i in [1] %}[{{ m(n - 1) }}]{% endfor %}{% endif %}{% endmacro %}"
                "{{ m(15) }}") == repeated("[", 15) + repeated("]", 15));
}

TEST_CASE("operators keep their order, whatever stands beside them") {
  CHECK(text_of("{{ 1 + 2 * 3 ** 2 - 4 // 3 }}") == "18");
  CHECK(text_of("{{ 2 ** 3 ** 2 }}") == "64");
  CHECK(text_of("{{ 1 ~ 2 * 3 }}") == "16");
  CHECK_FALSE(rendered("{{ 1 ~ 2 + 3 }}"));  // a text and a number
  CHECK(text_of("{{ 'a' ~ 2 * 3 ~ 'b' }}") == "a6b");
  CHECK(text_of("{{ not 1 == 2 and not false or false }}") == "True");
  CHECK(text_of("{{ 1 < 2 < 3 and 1 not in [2] and not 2 in [1] }}") == "True");
  CHECK(text_of("{{ 1 < 3 < 2 }}{{ - 2 ** 2 }}{{ -+-1 }}{{ -1|abs }}") == "False411");
  CHECK(text_of("{{ not not 1 }}{{ 1 if 0 else 2 if 0 else 3 }}{{ 1 or x.y }}{{ 0 and x.y }}") == "True310");
  CHECK_FALSE(rendered("{{ 1 not 2 }}"));
  CHECK_FALSE(rendered("{{ 1 + }}"));
  CHECK_FALSE(rendered("{{ * 1 }}"));
}

TEST_CASE("a search finds what std::string_view's does, forwards and backwards, however long it is") {
  std::mt19937 random(1);
  const auto letters = [&](std::size_t n, unsigned kinds) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += static_cast<char>('a' + random() % kinds);
    return text;
  };
  std::size_t n_found = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text = letters(random() % 200, 1 + random() % 2);
    const std::size_t n = random() % 40, at = random() % (text.size() + 1);
    const std::string sought = random() % 2 == 0 ? text.substr(at, n) : letters(n, 1 + random() % 2);
    INFO(text << " / " << sought);
    CHECK(search_for(sought)(text) == text.find(sought));
    CHECK(search_for(sought, true)(text) == text.rfind(sought));
    n_found += sought.size() > 16 && text.find(sought) != std::string::npos ? 1 : 0;
  }
  CHECK(n_found > 100);
  const std::string mark = "<a separator of many letters>";
  const std::string said = "x" + mark + "y" + mark + "z";
  const auto shown = rendered(
      "{{ s.split(m) }}{{ s.rsplit(m, 1)[1] }}{{ s.partition(m)[2] == 'y' ~ m ~ 'z' }}{{ s.rpartition(m)[2] }}"
      "{{ s.replace(m, '-') }}{{ s.count(m) }}{{ s.find(m) }}{{ s.rfind(m) }}{{ m in s }}{{ (m ~ 'q') in s }}",
      ordered_json{{"s", said}, {"m", mark}}.dump());
  INFO((shown ? "" : shown.error().message()));
  REQUIRE(shown);
  CHECK(*shown == "['x', 'y', 'z']zTruezx-y-z2131TrueFalse");
}

TEST_CASE("what a search, a copy or a key costs is counted, and the least number of 64 bits is a number") {
  const std::string texts = "{% set a = 'a' * 100000 %}{% set b = 'a' * 50000 ~ 'b' %}{% set c = 'b' ~ 'a' * 50000 %}";
  std::vector<std::string> sources = {
      "{% set d = dict(range(0, 60000)|map('string')|list|batch(2)) %}{{ range(90000)|map('format', **d)|list }}"};
  for (const std::string work : {"b in a", "a.find(b)", "a.rfind(c)", "a.count(b)", "a.replace(b, '')", "a.split(b)",
                                 "a.rsplit(c)", "a.partition(b)", "a.strip(b)", "a.startswith((b,) * 50000)",
                                 "a.expandtabs()", "a|striptags", "a.splitlines()"})
    sources.push_back(texts + "{% for i in range(100000) %}{{ (" + work + ") and 0 }}{% endfor %}");
  Limits few;
  few.steps /= 10;
  for (const std::string& source : sources) {
    const double start = test::cpu_seconds();
    const auto text = rendered(source, "{}", few);
    INFO(source);
    CHECK(test::cpu_seconds() - start < 10);  // a tenth of a second to one; a sanitizer build takes ten times as long
    REQUIRE_FALSE(text);
    CHECK(has(text.error().message(), "steps"));
  }
  std::string keys = "{{ {";
  for (int i = 1; i <= 20000; ++i) keys += "range(0, " + std::to_string(2 * i) + ", " + std::to_string(i) + "): 1,";
  CHECK(text_of(keys + "}|length }}") == "20000");
  const std::string least = "(-9223372036854775807 - 1)";
  CHECK(text_of("{{ 'ab'.ljust(" + least + ") }}{{ 'ab'|center(" + least + ") }}{{ 'ab'.zfill(" + least +
                ") }}{{ 2.5|round(" + least + ") }}") == "ababab0.0");
  message_of("{{ 'ab'|truncate(" + least + ") }}");
}

TEST_CASE("names and keys by the thousand cost what they cost") {
  CHECK(text_of("{{ dict((range(0, 100000) | list + range(100000, 200000) | list) | "
                "batch(2)) | length }}") == "100000");
  CHECK(text_of("{{ {1: 'a', 1.0: 'b', true: 'c', none: 'd', (1, 'x'): 'e'} }}{{ {1: 2}[true] }}") ==
        "{1: 'c', None: 'd', (1, 'x'): 'e'}2");
  std::string many;
  for (int i = 0; i < 50000; ++i) many += "{% set n" + std::to_string(i) + "=1 %}";
  message_of(many + "{% for a in range(1000) %}{% for b in range(1000) %}{{ x }}{% endfor %}{% endfor %}");
  std::string captured = "{% macro m(n) %}{{ 'a' * 15000000 }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}";
  CHECK(has(message_of(captured), "more than 256 MiB"));
}

TEST_CASE("a host whose decimal point is a comma reads and writes the same numbers") {
  const test::CommaLocale locale;
  const auto text = rendered("{{ x }} {{ x + 0.25 }} {{ y | tojson }} {{ '%.2f' % x }} {{ '1.5' | float }}",
                             R"({"x": 2.5, "y": [1.0, -0.125]})");
  INFO((text ? "" : text.error().message()));
  REQUIRE(text);
  CHECK(*text == "2.5 2.75 [1.0, -0.125] 2.50 1.5");
}

TEST_CASE("what holds what holds what … ends, and what holds itself is let go") {
  const std::string loop = "{% set ns = namespace(c=0) %}{% for i in range(100000) %}";
  for (const std::string step : {"cycler(ns.c)", "cycler(ns.c).next", "joiner(ns.c)", "[ns.c].copy", "{'a': ns.c}.get"})
    CHECK(has(message_of(loop + "{% set ns.c = " + step + " %}{% endfor %}"), "64 deep"));
  const std::string inner = "{% for a in [1] %}{% for b in [1, 2] %}{% set ns.l = loop %}";
  const std::string close = "{% endfor %}{% set y = ns.l %}{% endfor %}";  // the sanitizer sees what is not let go
  CHECK(text_of("{% set ns = namespace() %}" + inner + close + "{{ ns.l.index }}") == "2");
  CHECK(text_of("{% set ns = namespace() %}" + inner + "{{ loop.changed(loop) }}" + close) == "TrueFalse");
  CHECK(text_of("{% set ns = namespace() %}{% for b in [1, 2, 3] %}{% set ns.l = loop %}{% if b == 2 %}{% break %}"
                "{% endif %}{% endfor %}{% set y = ns.l %}{{ y.index }}{{ y.previtem is defined }}") == "2False");
  message_of("{% set ns = namespace() %}{% for b in [1] recursive %}{% set ns.l = loop %}{% endfor %}{{ ns.l([1]) }}");
}

TEST_CASE("keys that share their parts, and texts joined out of one, are counted as often as they are there") {
  const std::string doubled =
      "{% set ns = namespace(t=(1,)) %}{% for i in range(55) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}";
  CHECK_FALSE(rendered(doubled + "{{ ns.t in {} }}"));
  CHECK_FALSE(rendered(doubled + "{{ {}[ns.t] }}"));
  CHECK_FALSE(rendered(doubled + "{{ {}.get(ns.t) }}"));
  CHECK_FALSE(rendered(doubled + "{{ [ns.t] | unique | list | length }}"));
  CHECK_FALSE(rendered("{% set t = (1,) * 5000000 %}{% for i in range(100000) %}{{ t in {} }}{% endfor %}"));
  CHECK_FALSE(rendered("{% set s = 'a' * 20000000 %}{{ ''.join((s,) * 5000) }}"));
  CHECK(text_of("{% set t = ((1, 'a'), (2, 'b')) %}{{ t in {((1, 'a'), (2, 'b')): 3} }}{{ {t: 3}[t] }}") == "True3");
}

TEST_CASE("a macro that its own scope's outer one holds leaves nothing behind") {
  CHECK(text_of("{% set ns = namespace() %}{% with %}{% macro m() %}x{% endmacro %}{% set ns.m = m %}{% endwith %}"
                "{% set x = ns.m %}{{ x() }}") == "x");
}

TEST_CASE("the published limits hold at the limit and end one beyond it") {
  Limits limits;
  limits.output_bytes = 100;
  CHECK(rendered("{{ 'a' * 100 }}", "{}", limits));
  CHECK_FALSE(rendered("{{ 'a' * 101 }}", "{}", limits));
  const auto nested = [](std::size_t depth) {
    return "{\"x\":" + repeated("[", depth - 1) + repeated("]", depth - 1) + "}";
  };
  CHECK(rendered("{{ x }}", nested(64)));
  CHECK(has(message_of("{{ x }}", nested(65)), "64 deep"));
  limits.steps = 1000;
  CHECK_FALSE(rendered("{% for i in range(1000) %}{% endfor %}", "{}", limits));
}

TEST_CASE("arithmetic at its edges is defined") {
  for (const char* expression :
       {"1 // 0", "1 / 0", "1 % 0", "9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2",
        "(-9223372036854775807 - 1) // -1", "2 ** 100000", "2 ** 63", "10 ** 9223372036854775807",
        "-(-9223372036854775807 - 1)", "(-9223372036854775807 - 1) | abs", "1e300 | int",
        "'99999999999999999999' | int", "(0.0 - 1e308 * 10) | int"})
    message_of(std::string("{{ ") + expression + " }}");
  CHECK(text_of("{{ (-9223372036854775807 - 1) % -1 }}") == "0");
  CHECK(text_of(
            "{{ [1, 2][9223372036854775807:] }}{{ [1, 2][:-9223372036854775807] }}{{ 'ab'[::9223372036854775807] }}") ==
        "[][]a");
  CHECK(text_of("{{ [1, 2][::-9223372036854775807] }}") == "[2]");
  CHECK(text_of("{% set r = range(0, 9223372036854775807, 9223372036854775806) %}{{ r[1] }} {{ r[1:] | list }} "
                "{{ r[::-1] | list }}") == "9223372036854775806 [9223372036854775806] [9223372036854775806, 0]");
  message_of("{{ range(0, 9223372036854775807, 9223372036854775806)[::2] | list }}");
}

TEST_CASE("nothing outside of the template is within its reach") {
  for (const char* expression :
       {"''.__class__.__mro__", "x.__globals__.os", "cycler.__init__.__globals__", "range.__self__.x", "x.append(4)",
        "d.update(d)", "self.x", "open('/etc/passwd')", "''|attr('__class__')|attr('x')"})
    message_of(std::string("{{ ") + expression + " }}", R"({"x": [1], "d": {}})");
  CHECK(text_of("{{ x }}{% set x = 1 %}", R"({"x": "{{ 7 * 7 }}{% if %}<|im_end|>"})") ==
        "{{ 7 * 7 }}{% if %}<|im_end|>");
}

TEST_CASE("one template renders for several variables, again and again") {
  const auto made = Template::parse("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(v) }}{{ 'é'[0] }}");
  REQUIRE(made);
  for (int i = 0; i < 3; ++i)
    CHECK(*made->render("{\"v\": " + std::to_string(i) + "}", now) == "<" + std::to_string(i) + ">é");
}

}  // namespace jinja_test
