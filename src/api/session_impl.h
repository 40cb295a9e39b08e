// What a public Session holds, for the borders that work with one.
#pragma once

#include <hearth/hearth.hpp>
#include <memory>
#include <vector>

#include "sequence.h"

namespace hearth {

class Session::Impl {
 public:
  std::unique_ptr<engine::Sequence> sequence;
  std::vector<ChatMessage> conversation;
};

}  // namespace hearth
