// Leaves: what this process may really use, read from the kernel's files; a file that is absent grants everything.
#include "host.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

std::uint64_t read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : kNoLimit;  // "max" is no number
}

// Where this process stands: its group under v2 ("0::/outer/inner") and under two controllers of v1 ("4:cpu,cpuacct:/outer"), the
// root being "".
struct Cgroups {
  std::string unified, cpu, memory;
};

bool lists(std::string_view names, std::string_view name) {
  for (std::size_t end; !names.empty(); names.remove_prefix(std::min(end + 1, names.size()))) {
    end = std::min(names.find(','), names.size());
    if (names.substr(0, end) == name) return true;
  }
  return false;
}

Cgroups own_cgroups() {
  Cgroups own;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t names = line.find(':') + 1, path = line.find(':', names) + 1;
    if (names == 0 || path == 0) continue;
    const std::string_view listed = std::string_view(line).substr(names, path - 1 - names),
                           group = std::string_view(line).substr(path);
    if (group == "/") continue;
    if (listed.empty()) own.unified = group;
    if (lists(listed, "cpu")) own.cpu = group;
    if (lists(listed, "memory")) own.memory = group;
  }
  return own;
}

// The folders of a group and of those around it, innermost first.
template <class Visit> void visit_upwards(const char* mount, std::string group, Visit visit) {
  for (;; group.erase(group.rfind('/'))) {
    visit(mount + group);
    if (group.empty() || group.rfind('/') == std::string::npos) return;
  }
}

double cpu_quota() {
  const Cgroups own = own_cgroups();
  double quota = std::numeric_limits<double>::infinity();
  const auto consider = [&](double allowed, double period) {
    if (allowed > 0 && period > 0) quota = std::min(quota, allowed / period);
  };
  visit_upwards("/sys/fs/cgroup", own.unified, [&](const std::string& folder) {
    std::ifstream file(folder + "/cpu.max");
    double allowed = 0, period = 0;
    if (file >> allowed >> period) consider(allowed, period);
  });
  visit_upwards("/sys/fs/cgroup/cpu", own.cpu, [&](const std::string& folder) {
    double allowed = 0, period = 0;  // -1: no limit
    if (std::ifstream(folder + "/cpu.cfs_quota_us") >> allowed && allowed > 0)
      std::ifstream(folder + "/cpu.cfs_period_us") >> period;
    consider(allowed, period);
  });
  return quota;
}

// Pages of files count as used, but are given up when memory is asked for: a model that was read once holds nobody back.
std::uint64_t file_pages(const std::string& folder, const std::string& prefix) {
  std::ifstream file(folder + "/memory.stat");
  std::string key;
  std::uint64_t total = 0;
  for (std::uint64_t bytes = 0; file >> key >> bytes;)
    if (key == prefix + "inactive_file" || key == prefix + "active_file") total += bytes;
  return total;
}

std::uint64_t cgroup_headroom() {
  const Cgroups own = own_cgroups();
  std::uint64_t headroom = kNoLimit;
  const auto consider = [&](const std::string& folder, const char* limit_name, const char* used_name,
                            const char* prefix) {
    const std::uint64_t limit = read_number(folder + limit_name);
    if (limit > kNoLimit / 4) return;  // v1 says "none" by the largest number of whole pages
    const std::uint64_t used = read_number(folder + used_name);
    if (used == kNoLimit) return;
    const std::uint64_t held = used - std::min(used, file_pages(folder, prefix));
    headroom = std::min(headroom, limit > held ? limit - held : 0);
  };
  visit_upwards("/sys/fs/cgroup", own.unified,
                [&](const std::string& folder) { consider(folder, "/memory.max", "/memory.current", ""); });
  visit_upwards("/sys/fs/cgroup/memory", own.memory, [&](const std::string& folder) {
    consider(folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_");
  });
  return headroom;
}

// What a file of lines such as "MemAvailable:  123 kB" gives a key, in bytes.
std::uint64_t bytes_of(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size(), nullptr, 10) * 1024;
  return kNoLimit;
}

// The affinity mask's; the kernel refuses a mask that is smaller than its own, which has over 1,024 bits on large machines.
int granted_processors() {
  constexpr std::size_t kMost = 1 << 20;
  for (std::size_t n = CPU_SETSIZE; n <= kMost; n *= 2) {
    std::vector<cpu_set_t> mask(n / CPU_SETSIZE);
    const std::size_t bytes = mask.size() * sizeof mask[0];
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
    if (errno != EINVAL) break;
  }
  return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
}

}  // namespace

int usable_processors() {
  const int granted = granted_processors();
  const double quota = cpu_quota();
  const int allowed = quota < granted ? static_cast<int>(quota + 0.999) : granted;
  return std::clamp(allowed, 1, kMostThreads);
}

int this_thread() { return gettid(); }

double seconds_queued(int thread) {
  char path[64], line[128] = {};
  std::snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", thread);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0.0;
  const ssize_t n = read(file, line, sizeof line - 1);  // nanoseconds at work, nanoseconds queued, turns
  close(file);
  char* queued = line;
  if (n > 0) std::strtoull(line, &queued, 10);
  return 1e-9 * static_cast<double>(std::strtoull(queued, nullptr, 10));
}

std::uint64_t available_memory() { return std::min(bytes_of("/proc/meminfo", "MemAvailable:"), cgroup_headroom()); }

std::uint64_t peak_resident_bytes() {
  // rusage's peak outlives exec: a program that a large one starts would begin with the other's.
  if (const std::uint64_t own = bytes_of("/proc/self/status", "VmHWM:"); own != kNoLimit) return own;
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<std::uint64_t>(usage.ru_maxrss) * 1024 : 0;
}

}  // namespace hearth
