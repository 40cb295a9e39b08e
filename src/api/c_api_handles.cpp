// Enters: objects. Leaves: handles: numbers that only this table can turn back into objects.
#include "c_api_handles.h"

namespace hearth::api {
namespace {

// A slot's word: 16 bits of pins, flags, 8 bits of kind, 32 bits of generation.
constexpr std::uint64_t kPins = 0xffff;
constexpr std::uint64_t kTaken = 1 << 16;    // somebody fills or empties it, or it is in use
constexpr std::uint64_t kLive = 1 << 17;     // in use: its object is there
constexpr std::uint64_t kClosing = 1 << 18;  // freed, but pinned
constexpr int kKindShift = 20, kGenerationShift = 32;
constexpr std::uint64_t kGenerations = UINTPTR_MAX > UINT32_MAX ? UINT32_MAX : UINT16_MAX;

constexpr const char* kKindNames[] = {"", "a model", "a session", "a cancel", "an engine"};

std::uint64_t generation_of(std::uint64_t state) { return state >> kGenerationShift; }
Kind kind_of(std::uint64_t state) { return static_cast<Kind>(state >> kKindShift & 0xff); }
bool usable(std::uint64_t state, std::uint64_t generation) {
  return generation_of(state) == generation && (state & (kLive | kClosing)) == kLive;
}

const char* name_of(Kind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

Error no_such(Kind wanted, const std::string& found) {
  const std::string name = name_of(wanted);
  return {Status::invalid_argument,
          found + "; handle of " + name + "; pass one that was made as " + name + " and not freed yet"};
}

/// An error when the slot's state is not that of a live handle of this kind and generation.
Result<void> check(std::uint64_t state, std::uint64_t generation, Kind kind) {
  if (!usable(state, generation)) return no_such(kind, "the handle is NULL, was freed or never was one");
  if (kind_of(state) != kind) return no_such(kind, "the handle is that of " + std::string(name_of(kind_of(state))));
  return {};
}

std::uint64_t generation_in(HandleTable::Handle handle, int index_bits) { return handle >> index_bits; }

constinit HandleTable table{};

}  // namespace

HandleTable& handles() { return table; }

Result<HandleTable::Handle> HandleTable::add(Kind kind, std::unique_ptr<Object> object) {
  const std::size_t first = next_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kSlots; ++i) {
    const std::size_t at = (first + i) % kSlots;
    Slot& slot = slots_[at];
    std::uint64_t state = slot.state.load(std::memory_order_relaxed);
    if ((state & kTaken) != 0 || !slot.state.compare_exchange_strong(state, state | kTaken, std::memory_order_acquire))
      continue;
    const std::uint64_t generation = generation_of(state) % kGenerations + 1;
    slot.object = object.release();
    slot.raised = false;
    slot.state.store(generation << kGenerationShift | static_cast<std::uint64_t>(kind) << kKindShift | kLive | kTaken,
                     std::memory_order_release);
    next_.store(at + 1, std::memory_order_relaxed);
    return static_cast<Handle>(generation) << kIndexBits | at;
  }
  return Error(Status::out_of_memory,
               "all " + std::to_string(kSlots) + " handles are in use; handle table; free some that are not needed");
}

Result<Object*> HandleTable::pin(Handle handle, Kind kind, bool alone) {
  Slot& slot = slots_[index(handle)];
  std::uint64_t state = slot.state.load(std::memory_order_acquire);
  do {
    if (auto sound = check(state, generation_in(handle, kIndexBits), kind); !sound) return std::move(sound).error();
    if ((state & kPins) >= (alone ? 1 : kPins))
      return Error(Status::busy,
                   "the handle is in another call; session; wait for that call to end, or use a session of your own");
  } while (!slot.state.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  return slot.object;
}

void HandleTable::unpin(Handle handle) {
  Slot& slot = slots_[index(handle)];
  const std::uint64_t left = slot.state.fetch_sub(1, std::memory_order_acq_rel) - 1;
  if ((left & kClosing) != 0 && (left & kPins) == 0) end(slot, left);
}

Result<void> HandleTable::close(Handle handle, Kind kind) {
  Slot& slot = slots_[index(handle)];
  std::uint64_t state = slot.state.load(std::memory_order_acquire);
  do {
    if (auto sound = check(state, generation_in(handle, kIndexBits), kind); !sound) return sound;
  } while (
      !slot.state.compare_exchange_weak(state, state | kClosing, std::memory_order_acq_rel, std::memory_order_acquire));
  if ((state & kPins) == 0) end(slot, state);
  return {};
}

// Only who brought the pins of a closing slot to 0 gets here, so once.
void HandleTable::end(Slot& slot, std::uint64_t state) {
  delete std::exchange(slot.object, nullptr);
  slot.state.store(generation_of(state) << kGenerationShift, std::memory_order_release);
}

std::atomic<bool>* HandleTable::flag(Handle handle, Kind kind) {
  Slot& slot = slots_[index(handle)];
  const std::uint64_t state = slot.state.load(std::memory_order_acquire);
  return usable(state, generation_in(handle, kIndexBits)) && kind_of(state) == kind ? &slot.raised : nullptr;
}

}  // namespace hearth::api
