// Leaves: what this process may really use, read from the kernel's files; a file that is absent grants everything.
#include "host.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace hearth {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

std::uint64_t read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : kNoLimit;  // "max" is no number
}

// The cgroup v2 folder of this process and its parents, innermost first; "" is the root.
std::string cgroup_folder() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("0::", 0) == 0) return line.substr(3) == "/" ? "" : line.substr(3);
  return "";
}

template <class Visit> void visit_cgroups(Visit visit) {
  for (std::string folder = cgroup_folder();; folder.erase(folder.rfind('/'))) {
    visit("/sys/fs/cgroup" + folder);
    if (folder.empty() || folder.rfind('/') == std::string::npos) return;
  }
}

double cpu_quota() {
  double quota = std::numeric_limits<double>::infinity();
  visit_cgroups([&](const std::string& folder) {
    std::ifstream file(folder + "/cpu.max");
    double allowed = 0, period = 0;
    if (file >> allowed >> period && period > 0) quota = std::min(quota, allowed / period);
  });
  const std::uint64_t v1 = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const std::uint64_t period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1 != kNoLimit && period != kNoLimit && period > 0)
    quota = std::min(quota, static_cast<double>(v1) / static_cast<double>(period));
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
  std::uint64_t headroom = kNoLimit;
  const auto consider = [&](const std::string& folder, const char* limit_name, const char* used_name,
                            const char* prefix) {
    const std::uint64_t limit = read_number(folder + limit_name), used = read_number(folder + used_name);
    if (limit == kNoLimit || used == kNoLimit) return;
    const std::uint64_t held = used - std::min(used, file_pages(folder, prefix));
    headroom = std::min(headroom, limit > held ? limit - held : 0);
  };
  visit_cgroups([&](const std::string& folder) { consider(folder, "/memory.max", "/memory.current", ""); });
  consider("/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_");
  return headroom;
}

std::uint64_t system_available() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  for (std::uint64_t kilobytes = 0; file >> key >> kilobytes; std::getline(file, unit))
    if (key == "MemAvailable:") return kilobytes * 1024;
  return kNoLimit;
}

}  // namespace

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int granted =
      sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  const double quota = cpu_quota();
  const int allowed = quota < granted ? static_cast<int>(quota + 0.999) : granted;
  return std::max(1, allowed);
}

std::uint64_t available_memory() { return std::min(system_available(), cgroup_headroom()); }

std::uint64_t peak_resident_bytes() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<std::uint64_t>(usage.ru_maxrss) * 1024 : 0;
}

}  // namespace hearth
