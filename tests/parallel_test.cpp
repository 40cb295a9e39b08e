// The team of threads: every index once, barriers that order, regions that take turns, the canonical float state, errors instead of
// aborts, life after fork. Clean under ThreadSanitizer: what members write without atomics is what the team must order.
#include "parallel.h"

#include <grp.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>
#include <vector>

#include "host.h"
#include "support/catch.hpp"
#include "support/forked_child.h"
#include "turns.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace parallel_test {

using namespace hearth;
using test::status_in_child;

namespace {

std::unique_ptr<Team> team_of(int size) {
  auto team = Team::start(size);
  INFO((team ? std::string() : team.error().message()));
  REQUIRE(team);
  return std::move(*team);
}

/// The sum of 0 … n-1, each piece added under its own index.
std::int64_t sum_with(Team& team, std::int64_t n) {
  std::vector<std::int64_t> pieces(static_cast<std::size_t>(n), 0);
  team.run([&](Worker& w) {
    w.loop(n, 7, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) pieces[static_cast<std::size_t>(i)] += i;
    });
  });
  return std::accumulate(pieces.begin(), pieces.end(), std::int64_t{0});
}

}  // namespace

TEST_CASE("a team has the members it was asked for, each with an own index") {
  for (int size = 1; size <= 8; ++size) {
    auto team = team_of(size);
    CHECK(team->size() == size);
    std::vector<int> seen(static_cast<std::size_t>(size), 0), counts(seen);
    team->run([&](Worker& w) {
      ++seen[static_cast<std::size_t>(w.index())];
      counts[static_cast<std::size_t>(w.index())] = w.count();
    });
    CHECK(seen == std::vector<int>(static_cast<std::size_t>(size), 1));
    CHECK(counts == std::vector<int>(static_cast<std::size_t>(size), size));
  }
}

TEST_CASE("a loop covers every index once, in pieces of at most the grain") {
  for (int size = 1; size <= 8; ++size) {
    auto team = team_of(size);
    for (const std::int64_t n : {0, 1, 2, 3, 7, 8, 64, 1000})
      for (const std::int64_t grain : {1, 2, 3, 16, 999, 5000}) {
        std::vector<int> times(static_cast<std::size_t>(n), 0);
        std::vector<int> bad(static_cast<std::size_t>(size), 0);
        team->run([&](Worker& w) {
          for (int round = 0; round < 2; ++round)  // the second loop of a region starts at 0 again
            w.loop(n, grain, [&](std::int64_t begin, std::int64_t end) {
              if (begin < 0 || begin >= end || end > n || end - begin > grain)
                ++bad[static_cast<std::size_t>(w.index())];
              for (std::int64_t i = begin; i < end; ++i) ++times[static_cast<std::size_t>(i)];
            });
        });
        INFO("size " << size << " n " << n << " grain " << grain);
        REQUIRE(times == std::vector<int>(static_cast<std::size_t>(n), 2));
        REQUIRE(bad == std::vector<int>(static_cast<std::size_t>(size), 0));
      }
  }
}

TEST_CASE("a barrier: nobody leaves before all have arrived") {
  for (const int size : {1, 2, 3, 5, 8}) {
    auto team = team_of(size);
    std::vector<int> phase(static_cast<std::size_t>(size), 0), wrong(phase);
    team->run([&](Worker& w) {
      const auto me = static_cast<std::size_t>(w.index());
      for (int step = 1; step <= 200; ++step) {
        phase[me] = step;
        w.barrier();
        for (const int other : phase) wrong[me] += other != step;
        w.barrier();
      }
    });
    CHECK(std::accumulate(wrong.begin(), wrong.end(), 0) == 0);
  }
}

TEST_CASE("once: one member does it, all see it done") {
  for (const int size : {1, 2, 4, 8}) {
    auto team = team_of(size);
    int times = 0;
    std::vector<int> seen(static_cast<std::size_t>(size), 0);
    team->run([&](Worker& w) {
      for (int round = 1; round <= 50; ++round) {
        w.once([&] { ++times; });
        seen[static_cast<std::size_t>(w.index())] += times == round;
        w.barrier();
      }
    });
    CHECK(times == 50);
    CHECK(seen == std::vector<int>(static_cast<std::size_t>(size), 50));
  }
}

TEST_CASE("two callers of one team take turns") {
  for (const int size : {1, 3}) {
    auto team = team_of(size);
    std::atomic<int> inside{0}, overlaps{0};
    std::int64_t total = 0;  // guarded by the turns alone
    const auto call = [&] {
      for (int round = 0; round < 200; ++round)
        team->run([&](Worker& w) {
          w.once([&] { overlaps += inside.fetch_add(1) != 0; });
          w.loop(10, 1, [](std::int64_t, std::int64_t) {});
          w.once([&] {
            ++total;
            inside.fetch_sub(1);
          });
        });
    };
    std::thread other(call);
    call();
    other.join();
    CHECK(overlaps == 0);
    CHECK(total == 400);
  }
}

TEST_CASE("two teams at once do not meet") {
  auto first = team_of(2), second = team_of(3);
  std::int64_t a = 0, b = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) a += sum_with(*first, 100);
  });
  for (int i = 0; i < 100; ++i) b += sum_with(*second, 100);
  other.join();
  CHECK(a == 495000);
  CHECK(b == 495000);
}

#if defined(__x86_64__)
TEST_CASE("the float state is canonical inside a region, the caller's outside") {
  constexpr unsigned kFlags = 0x3f;  // sticky, not part of the state
  const unsigned before = _mm_getcsr();
  for (const unsigned state : {0x1F80u, 0x9F80u, 0x1FC0u, 0x3F80u, 0x5F80u, 0x7F80u, 0xFFC0u})
    for (const int size : {1, 4}) {
      _mm_setcsr(state);  // also the state that new threads inherit
      auto team = Team::start(size);
      std::vector<unsigned> inside(static_cast<std::size_t>(size), 0);
      if (team) (*team)->run([&](Worker& w) { inside[static_cast<std::size_t>(w.index())] = _mm_getcsr() & ~kFlags; });
      const unsigned after = _mm_getcsr() & ~kFlags;
      _mm_setcsr(before);
      INFO("state " << state << " size " << size);
      REQUIRE(team);
      CHECK(inside == std::vector<unsigned>(static_cast<std::size_t>(size), 0x1F80u));
      CHECK(after == state);
    }
}
#endif

TEST_CASE("sizes out of range are an error that names the number and the range") {
  for (const int size : {0, -1, -2147483647 - 1, 1025, 2000, 2147483647}) {
    const auto team = Team::start(size);
    REQUIRE_FALSE(team);
    INFO(team.error().message());
    CHECK(team.error().status() == Status::invalid_argument);
    CHECK(team.error().message().find(std::to_string(size)) != std::string::npos);
    CHECK(team.error().message().find("1 to 1024") != std::string::npos);
    CHECK(team.error().message().find('\n') == std::string::npos);
  }
}

namespace {

enum Refused { kAsExpected = 0, kNoLimit = 77, kStarted = 2, kWrongStatus = 3, kNotOneLine = 4, kSmallTeamFailed = 5 };

/// Root is not limited, so the child becomes nobody first.
bool forbid_new_threads() {
  if (geteuid() == 0 &&
      (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
    return false;
  const rlimit none{0, 0};
  return setrlimit(RLIMIT_NPROC, &none) == 0;
}

int start_without_permission() {
  if (!forbid_new_threads()) return kNoLimit;
  const auto team = Team::start(4);
  if (team) return kStarted;
  if (team.error().status() != Status::io) return kWrongStatus;
  if (team.error().message().find("thread 1 of 4") == std::string::npos ||
      team.error().message().find('\n') != std::string::npos)
    return kNotOneLine;
  auto alone = Team::start(1);  // needs no thread
  return alone && sum_with(**alone, 100) == 4950 ? kAsExpected : kSmallTeamFailed;
}

}  // namespace

#ifndef HEARTH_OPENMP
TEST_CASE("a thread that the system refuses is an error, and what was started is stopped") {
  const int status = status_in_child(start_without_permission);
  if (status == kNoLimit) {
    WARN("SKIPPED: this sandbox does not let a test lower its own thread limit");
    return;
  }
  CHECK(status == kAsExpected);
}
#endif

TEST_CASE("after a fork the child's team works with one member, gives the same sum and can be destroyed") {
  auto team = team_of(4);
  const std::int64_t expected = sum_with(*team, 1000);  // the threads are up before the fork
  CHECK(expected == 499500);
  const int status = status_in_child([&] {
    int members = 0;
    for (int round = 0; round < 3; ++round) {
      if (sum_with(*team, 1000) != expected) return 1;
      team->run([&](Worker& w) { members += w.count(); });
    }
    team.reset();
    return members == 3 ? 0 : 2;
  });
  CHECK(status == 0);
  CHECK(sum_with(*team, 1000) == expected);  // the parent's is untouched
}

namespace {

enum Crowded {
  kSatOutAndCameBack = 0,
  kNotTold = 77,
  kNobodyLeft = 2,
  kNobodyCameBack = 3,
  kTooManyLeft = 4,
  kWrongSum = 5,
  kNotAllWhenCalled = 6
};

/// Members that all have one processor take it from each other.
int share_one_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  cpu_set_t mine;
  if (sched_getaffinity(0, sizeof mine, &mine) != 0) return kNotTold;
  int first = 0;
  while (!CPU_ISSET(first, &mine)) ++first;
  CPU_SET(first, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) return kNotTold;
  auto team = Team::start(4);
  if (!team) return kNotTold;
  int fewest = 4, last = 4, called = 4;
  bool left = false, came_back = false, right = true;
  std::vector<std::int64_t> squares(64);
  const auto start = std::chrono::steady_clock::now();
  while (!(came_back && fewest == 2) && std::chrono::steady_clock::now() - start < std::chrono::seconds(20)) {
    std::fill(squares.begin(), squares.end(), 0);
    int count = 0;
    (*team)->run([&](Worker& w) {
      w.once([&] { count = w.count(); });
      w.loop(64, 1, [&](std::int64_t begin, std::int64_t) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
        while (std::chrono::steady_clock::now() < until) squares[static_cast<std::size_t>(begin)] = begin * begin;
      });
    });
    for (std::int64_t i = 0; i < 64; ++i) right = right && squares[static_cast<std::size_t>(i)] == i * i;
    fewest = std::min(fewest, count);
    left = left || count < 4;
    if (count < 4) (*team)->run([&](Worker& w) { w.once([&] { called = w.count(); }); }, Team::Members::all);
    came_back = came_back || count > last;
    last = count;
  }
  if (seconds_queued(this_thread()) == 0.0) return kNotTold;
  if (!right) return kWrongSum;
  if (fewest < 2) return kTooManyLeft;
  if (called != 4) return kNotAllWhenCalled;
  return !left ? kNobodyLeft : !came_back ? kNobodyCameBack : kSatOutAndCameBack;
}

}  // namespace

#ifndef HEARTH_OPENMP
TEST_CASE(
    "members without a processor of their own sit out, at most half of them, and are tried again; all come when "
    "called") {
  const int status = status_in_child(share_one_processor);
  if (status == kNotTold) {
    WARN("SKIPPED: this system does not say how long a thread waits for a processor");
    return;
  }
  CHECK(status == kSatOutAndCameBack);
}
#endif

TEST_CASE("ten thousand short regions") {
  // On a machine whose cores are all taken each region waits for the scheduler: there the time ends the test, not the count.
  const auto start = std::chrono::steady_clock::now();
  auto team = team_of(2);
  std::int64_t total = 0, regions = 0;
  for (; regions < 10000 && std::chrono::steady_clock::now() - start < std::chrono::seconds(3); ++regions)
    team->run([&](Worker& w) { w.once([&] { ++total; }); });
  CHECK(total == regions);
  if (regions < 10000) WARN("stopped after " << regions << " regions: the machine is busy");
}

TEST_CASE("a team stops while idle: just started, after work, and after its members have gone to sleep") {
  for (int round = 0; round < 20; ++round) team_of(4).reset();
  auto worked = team_of(4);
  CHECK(sum_with(*worked, 100) == 4950);
  worked.reset();
  auto asleep = team_of(4);
  CHECK(sum_with(*asleep, 100) == 4950);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the spin lasts microseconds
  CHECK(sum_with(*asleep, 100) == 4950);                       // they wake
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  asleep.reset();
}

TEST_CASE("a job behind the others runs step by step to its end, or to the end of the step at which it is dropped") {
  std::atomic<int> steps{0};
  auto whole = Background::start([&] { return ++steps < 5; });
  REQUIRE(whole);
  for (int i = 0; i < 2000 && steps < 5; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  whole->reset();
  CHECK(steps == 5);
  std::atomic<int> begun{0}, ended{0};
  auto dropped = Background::start([&] {
    ++begun;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++ended;
    return true;
  });
  REQUIRE(dropped);
  while (begun == 0) std::this_thread::yield();
  dropped->reset();
  CHECK(begun == ended);
}

TEST_CASE("turns go round: who asks again stands behind those who wait") {
  Turns turns;
  std::vector<int> order;  // ordered by the turns alone
  const auto take_turns = [&](int who) {
    for (int round = 0; round < 200; ++round) {
      const Turns::Turn turn(turns);
      order.push_back(who);
      std::this_thread::yield();
    }
  };
  std::thread first(take_turns, 1), second(take_turns, 2);
  first.join();
  second.join();
  REQUIRE(order.size() == 400);
  turns.wait_for_first(std::chrono::hours(1));  // returns at once: there was one
  const int status = status_in_child([&] {
    const Turns::Turn turn(turns);
    return 0;
  });
  CHECK(status == 0);
}

TEST_CASE("a turn held by a thread that a forked child lacks does not stop the child") {
  Turns turns;
  const Turns::Turn held(turns);
  CHECK(status_in_child([&] {
          const Turns::Turn turn(turns);
          return 0;
        }) == 0);
}

TEST_CASE("a forked child closes and destroys turns that a thread it lacks was waiting for") {
  auto turns = std::make_unique<Turns>();
  {
    const std::jthread waiting([&] { turns->wait_for_first(std::chrono::seconds(2)); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // now it waits
    CHECK(status_in_child([&] {
            turns->close();
            turns.reset();
            return 0;
          }) == 0);
    turns->close();
  }
}

}  // namespace parallel_test
