// Enters: a counter. Leaves: the counter, one higher for as long as something lives.
#pragma once

#include "jinja_parser.h"

namespace hearth::text::jinja {

class Parser::Deeper {
 public:
  explicit Deeper(int& depth) : depth_(depth) { ++depth_; }
  ~Deeper() { --depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  bool allowed() const { return depth_ <= kMaxDepth; }

 private:
  int& depth_;
};

}  // namespace hearth::text::jinja
