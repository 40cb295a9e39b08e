// What a public Model holds, for the borders that work with one.
#pragma once

#include <hearth/hearth.hpp>
#include <memory>

#include "loaded_model.h"

namespace hearth {

class Model::Impl {
 public:
  std::shared_ptr<engine::LoadedModel> model;
};

}  // namespace hearth
