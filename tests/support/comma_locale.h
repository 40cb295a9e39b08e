// Leaves: a C locale whose decimal point is a comma, while it lives, where the machine has one.
#pragma once

#include <clocale>
#include <string>

#include "catch.hpp"

namespace hearth::test {

class CommaLocale {
 public:
  CommaLocale() : before_(std::setlocale(LC_NUMERIC, nullptr)) {
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"})
      if (std::setlocale(LC_NUMERIC, name)) return;
    WARN("SKIPPED: no locale with a decimal comma is installed");
  }
  ~CommaLocale() { std::setlocale(LC_NUMERIC, before_.c_str()); }
  CommaLocale(const CommaLocale&) = delete;
  CommaLocale& operator=(const CommaLocale&) = delete;

 private:
  std::string before_;
};

}  // namespace hearth::test
