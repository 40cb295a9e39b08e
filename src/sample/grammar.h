// Enters: rules made by grammar_builder.h. Leaves: an automaton over bytes with calls, which every text format here ends in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::sample {

/// Limits of what a caller may ask for. Each is an error that names what is over it.
struct GrammarLimits {
  static constexpr std::size_t text_bytes = std::size_t{64} << 10;   // of a grammar or a regular expression
  static constexpr std::size_t schema_bytes = std::size_t{1} << 20;  // of a JSON Schema
  static constexpr std::size_t schema_values = 100000;               // of a JSON Schema: objects, strings, numbers, …
  static constexpr std::uint64_t schema_steps = 1000000;             // to combine its alternatives and references
  static constexpr std::size_t states = 100000;                      // nodes of the automaton
  static constexpr std::uint32_t repetition = 10000;                 // m and n of {m,n}
  static constexpr int nesting = 256;                                // groups inside each other, in the grammar's text
  static constexpr std::uint32_t depth = 256;                        // rules inside each other, in the generated text
  static constexpr std::size_t configurations = 10000;               // places where the automaton may be at once
};

using NodeId = std::uint32_t;
using RuleId = std::uint32_t;

/// Immutable, shared by any number of machines.
struct Grammar {
  enum class Kind : std::uint8_t {
    bytes,   // reads a byte that one of the edges has
    choice,  // goes on at any edge's target
    call,    // runs rule a, then goes on at node b
    end,     // of a rule
  };
  struct Node {
    Kind kind = Kind::end;
    std::uint32_t a = 0, b = 0;  // edges [a, b), or what `call` says
  };
  struct Edge {
    NodeId target = 0;
    std::uint8_t low = 0, high = 0;
  };
  struct Rule {
    std::string name;
    NodeId start = 0;
    std::uint32_t order = 0;  // a rule called before any byte is read comes after its caller
    bool nullable = false;    // the empty text is one of its texts
  };
  static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<Rule> rules;
  RuleId root = 0;
  NodeId free_begin = never;        // nodes from here on read text outside the grammar proper: before a trigger
  std::vector<std::uint32_t> need;  // [nodes] calls inside each other that it takes at least to end the rule; `never`
  std::array<std::uint8_t, 256> byte_class{};  // bytes that no edge tells apart
  std::vector<std::uint8_t> class_byte;        // [classes] one byte of each

  std::size_t n_classes() const { return class_byte.size(); }
};

/// "WHAT; WHERE; WHAT TO DO" of a grammar that a limit refuses.
Error too_complex(std::string_view where, std::string_view what);

/// Fills in what follows from nodes and rules. Errors: left recursion, naming the cycle; no text that ends the root, or
/// one of `must_end`.
Result<void> analyse(Grammar& grammar, std::span<const RuleId> must_end = {});

}  // namespace hearth::sample
