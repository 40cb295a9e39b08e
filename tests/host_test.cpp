// What this process may use, as affinity, cgroups and the system grant it; the float state that computing threads run in.
#include "host.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "float_state.h"
#include "support/catch.hpp"

namespace host_test {

using namespace hearth;

namespace {

/// This thread's processors; put back at the end.
class Affinity {
 public:
  Affinity() { REQUIRE(sched_getaffinity(0, sizeof all_, &all_) == 0); }
  ~Affinity() { sched_setaffinity(0, sizeof all_, &all_); }
  Affinity(const Affinity&) = delete;
  Affinity& operator=(const Affinity&) = delete;

  int count() const { return CPU_COUNT(&all_); }

  /// Keeps the first `n` of the processors granted.
  void narrow(int n) {
    cpu_set_t few;
    CPU_ZERO(&few);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&few) < n; ++cpu)
      if (CPU_ISSET(cpu, &all_)) CPU_SET(cpu, &few);
    REQUIRE(sched_setaffinity(0, sizeof few, &few) == 0);
  }

 private:
  cpu_set_t all_{};
};

std::uint64_t installed_bytes() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("usable processors: at least one, no more than the affinity mask has") {
  const Affinity affinity;
  CHECK(usable_processors() >= 1);
  CHECK(usable_processors() <= affinity.count());
}

TEST_CASE("usable processors follow a narrowed affinity mask and come back with it") {
  const int before = usable_processors();
  {
    Affinity affinity;
    for (int n = 1; n <= affinity.count() && n <= 4; ++n) {
      affinity.narrow(n);
      CHECK(usable_processors() == std::min(n, before));  // the cgroup's quota still holds
    }
  }
  CHECK(usable_processors() == before);
}

TEST_CASE("available memory: some, and no more than is installed") {
  CHECK(available_memory() > 0);
  CHECK(available_memory() <= installed_bytes());
}

TEST_CASE("the peak of resident memory counts what was taken") {
  constexpr std::size_t kTaken = std::size_t{64} << 20;
  const std::uint64_t peak_before = peak_resident_bytes();
  const std::vector<char> block(kTaken, 1);  // written, so resident
  CHECK(block[kTaken / 2] == 1);
  CHECK(peak_resident_bytes() >= kTaken);
  CHECK(peak_resident_bytes() >= peak_before);
  CHECK(peak_resident_bytes() < installed_bytes());
}

#if defined(__x86_64__)
TEST_CASE("FloatState: canonical while it lives, the caller's afterwards, nested too") {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(0xDFC0);
  {
    const FloatState outer;
    CHECK((_mm_getcsr() & ~0x3fu) == 0x1F80u);
    {
      const FloatState inner;
      CHECK((_mm_getcsr() & ~0x3fu) == 0x1F80u);
    }
    CHECK((_mm_getcsr() & ~0x3fu) == 0x1F80u);
  }
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  CHECK((after & ~0x3fu) == 0xDFC0u);
}
#endif

}  // namespace host_test
