// What the C API's handles stand for: the C++ API's own objects.
#pragma once

#include <hearth/hearth.hpp>
#include <utility>

#include "c_api_handles.h"

namespace hearth::api {

struct ModelObject final : Object {
  explicit ModelObject(Model m) : model(std::move(m)) {}
  Model model;
};

struct SessionObject final : Object {
  explicit SessionObject(Session s) : session(std::move(s)) {}
  Session session;
};

}  // namespace hearth::api
