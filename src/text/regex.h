// Enters: a pattern, then texts. Leaves: where it matches next, by PCRE2.
#pragma once

#include <cstddef>
#include <hearth/result.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace hearth::text {

struct Match {
  std::size_t begin, end;
};

/// A pattern in UTF mode with Unicode properties. Immutable: any number of threads may search, each with memory of its
/// own. "$" means the very end; \s is Unicode's White_Space, where PCRE2's also holds U+180E.
class Regex {
 public:
  static Result<Regex> compile(std::string_view pattern);

  /// What one search at a time needs; reused from search to search.
  class Memory {
   public:
    Memory() = default;
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

   private:
    friend class Regex;
    pcre2_real_match_data_8* data_ = nullptr;
  };

  /// The first match that begins at or after `from` and is not empty. `text` is valid UTF-8. Errors: no memory; a search
  /// that would take more steps than a multiple of the text.
  Result<std::optional<Match>> find(std::string_view text, std::size_t from, Memory& memory) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  bool jit_ = false;
};

}  // namespace hearth::text
