// What the C API's handles stand for: the C++ API's own objects.
#pragma once

#include <atomic>
#include <hearth/hearth.hpp>
#include <thread>
#include <utility>

#include "c_api_border.h"
#include "c_api_handles.h"

namespace hearth::api {

struct ModelObject final : Object {
  static constexpr Kind kKind = Kind::model;
  static constexpr bool kAlone = false;  // many calls at once may have it
  explicit ModelObject(Model m) : model(std::move(m)) {}
  Model model;
};

struct SessionObject final : Object {
  static constexpr Kind kKind = Kind::session;
  static constexpr bool kAlone = true;
  explicit SessionObject(Session s) : session(std::move(s)) {}
  Session session;
};

struct EngineObject final : Object {
  static constexpr Kind kKind = Kind::engine;
  static constexpr bool kAlone = false;
  explicit EngineObject(Engine e) : engine(std::move(e)) {}
  std::atomic<decltype(std::this_thread::get_id())> worker{};  // the engine's, once a request has heard from it
  Engine engine;                                               // last, so that it ends first
};

/// The object of a handle for the time of a call.
template <class T, class Handle> Result<Pinned<T>> pinned(const Handle* handle) {
  return Pinned<T>::make(number(handle), T::kKind, T::kAlone);
}

/// A new object's handle goes to *to.
template <class T, class Handle, class Value> Result<void> hand_out(Value&& value, Handle** to) {
  HEARTH_TRY(const auto handle, handles().add(T::kKind, std::make_unique<T>(std::forward<Value>(value))));
  *to = dressed<Handle>(handle);
  return {};
}

/// What is behind every _free.
template <class Handle> hearth_status close_handle(const Handle* handle, Kind kind) {
  return handle ? call(nullptr, [&] { return handles().close(number(handle), kind); }) : HEARTH_OK;
}

}  // namespace hearth::api
