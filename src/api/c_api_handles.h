// Enters: objects. Leaves: handles: numbers that only this table can turn back into objects, whatever bits a caller hands in.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <hearth/hearth.hpp>
#include <memory>
#include <utility>

namespace hearth::api {

/// What a handle stands for.
class Object {
 public:
  virtual ~Object() = default;
};

enum class Kind : std::uint8_t { model = 1, session, cancel, engine };

/// A handle is a slot's number and the slot's generation, so one that was freed is never a live one again (within 2^32 uses of a
/// slot). All of a slot's state is one atomic word: nothing here waits, a forked child and a signal handler may come in.
class HandleTable {
 public:
  using Handle = std::uintptr_t;

  Result<Handle> add(Kind kind, std::unique_ptr<Object> object);

  /// The object lives at least until unpin(). `alone`: nobody else may have it meanwhile; else it is busy.
  Result<Object*> pin(Handle handle, Kind kind, bool alone);
  void unpin(Handle handle);

  /// No new pin finds it; the last one that holds it ends it.
  Result<void> close(Handle handle, Kind kind);

  /// A slot's own flag, for signal handlers: no pin, no object, no memory. Null: no such handle. It is lowered when another handle
  /// begins there.
  std::atomic<bool>* flag(Handle handle, Kind kind);

 private:
  static constexpr int kIndexBits = 16;
  static constexpr std::size_t kSlots = std::size_t{1} << kIndexBits;
  struct Slot {
    std::atomic<std::uint64_t> state{0};
    std::atomic<bool> raised{false};
    Object* object = nullptr;
  };
  static std::size_t index(Handle handle) { return handle & (kSlots - 1); }
  void end(Slot& slot, std::uint64_t state);

  std::array<Slot, kSlots> slots_{};
  std::atomic<std::size_t> next_{0};  // where to look for a free slot first
};

/// The process's one table, and its only mutable global: a bare pointer from C can only be checked against what outlives it.
HandleTable& handles();

/// A handle's object, which a cancel has none of, for the time of one call.
template <class T> class Pinned {
 public:
  static Result<Pinned> make(HandleTable::Handle handle, Kind kind, bool alone = false) {
    auto object = handles().pin(handle, kind, alone);
    if (!object) return std::move(object).error();
    return Pinned(handle, static_cast<T*>(*object));
  }
  Pinned(Pinned&& other) noexcept : handle_(std::exchange(other.handle_, 0)), object_(other.object_) {}
  Pinned& operator=(Pinned&&) = delete;
  Pinned(const Pinned&) = delete;
  ~Pinned() {
    if (handle_ != 0) handles().unpin(handle_);
  }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }

 private:
  Pinned(HandleTable::Handle handle, T* object) : handle_(handle), object_(object) {}
  HandleTable::Handle handle_;
  T* object_;
};

}  // namespace hearth::api
