// What the machine grants is less than usual: one processor, no thread, a cgroup with little memory or half a processor, weights at
// odd addresses, no main() yet. Hearth takes what there is and gives the same bits, or says what is missing.
#include <dlfcn.h>
#include <grp.h>
#include <hearth/hearth.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <hearth/hearth.hpp>
#include <hearth/tools.hpp>

#include "dispatch.h"
#include "host.h"
#include "support/catch.hpp"
#include "support/forked_child.h"
#include "support/random_model.h"
#include "support/sanitized.h"
#include "support/test_data.h"

using namespace hearth;

namespace {

/// Made before main() and ended after it, in whatever order with the library's own.
struct BeforeMain {
  BeforeMain() {
    version = hearth_version();
    isa = hearth_isa_name(0);
    made = hearth_cancel_new(&cancel, nullptr);
    hearth_model* model = nullptr;
    opened = hearth_model_open("/nowhere/model.gguf", nullptr, &model, &error);
  }
  ~BeforeMain() { hearth_cancel_free(cancel); }
  const char *version = nullptr, *isa = nullptr;
  hearth_cancel* cancel = nullptr;
  hearth_status made = -1, opened = -1;
  hearth_error error{};
};
const BeforeMain before_main;

Result<std::uint64_t> hash_of(const Model& model) {
  auto session = model.session({.n_ctx = 64});
  if (!session) return std::move(session).error();
  auto reply = session->generate("abc", {.max_tokens = 8});
  if (!reply) return std::move(reply).error();
  return reply->logits_hash;
}

std::uint64_t hash_of(const std::string& path, const ModelOptions& options) {
  auto model = Model::open(path, options);
  if (!model) FAIL(model.error().message());
  auto hash = hash_of(*model);
  if (!hash) FAIL(hash.error().message());
  return *hash;
}

std::string write_model(const test::TempFolder& folder, const test::RandomModel& m = {}) {
  return test::write_random_model(m, folder / "m.gguf");
}

}  // namespace

TEST_CASE("A14 the C API works before main has begun") {
  CHECK(before_main.version == std::string(hearth_version()));
  CHECK(before_main.isa == std::string("scalar"));
  CHECK(before_main.made == HEARTH_OK);
  CHECK(before_main.opened == HEARTH_NOT_FOUND);
  CHECK(hearth_cancel_request(before_main.cancel) == HEARTH_OK);
}

TEST_CASE("A13 with one processor in the mask there is one thread, and the bits are those of many") {
  const test::TempFolder folder;
  const std::string path = write_model(folder);
  const std::uint64_t hash = hash_of(path, {.threads = 4});
  const int status = test::status_in_child([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) return 2;
    auto model = Model::open(path);
    if (!model || model->info().threads != 1) return 3;
    const auto alone = hash_of(*model);
    auto crowded = Model::open(path, {.threads = 3});  // asked for, so done
    if (!crowded || crowded->info().threads != 3) return 4;
    const auto many = hash_of(*crowded);
    return alone && many && *alone == hash && *many == hash ? 0 : 5;
  });
  CHECK(status == 0);
}

TEST_CASE("A13 a thread that the system refuses is an error of opening and of an engine; one thread needs none") {
  const test::TempFolder folder;
  const std::string path = write_model(folder);
  const std::uint64_t hash = hash_of(path, {.threads = 1});
  std::filesystem::permissions(folder / "", std::filesystem::perms::all);
  constexpr int kSkipped = 77;
  const int status = test::status_in_child([&] {
    constexpr uid_t kNobody = 65534;  // root is not limited
    if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 ||
                           setresuid(kNobody, kNobody, kNobody) != 0))
      return kSkipped;
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_NPROC, &none) != 0) return kSkipped;
    hearth_model_options options;
    hearth_model_options_init(&options, sizeof options);
    options.threads = 4;
    hearth_model* model = nullptr;
    hearth_error error;
    if (hearth_model_open(path.c_str(), &options, &model, &error) != HEARTH_IO || model) return 2;
    if (!std::strstr(error.message, "thread 1 of 4")) return 3;
    auto small = Model::open(path, {.threads = 1});
    if (!small) return 4;
    if (const auto engine = Engine::start(*small, {.session = {.n_ctx = 64}}); engine) return 5;
    const auto alone = hash_of(*small);
    return alone && *alone == hash ? 0 : 6;
  });
  if (status == kSkipped) {
    WARN("SKIPPED: this sandbox does not let a test lower its own thread limit");
    return;
  }
  CHECK(status == 0);
}

TEST_CASE(
    "A16 weights at any address that an alignment of 8 allows give the bits of aligned ones, in each instruction set") {
  const test::TempFolder folder;
  for (const kernels::FormatInfo& format : kernels::kFormats) {
    test::RandomModel m;
    m.format = format.format, m.n_layer = 1, m.dim = 256, m.ffn_dim = 256;
    const auto sound = test::make_random_model(m);
    auto file = gguf::File::parse(sound, "sound");
    REQUIRE(file);
    std::optional<std::uint64_t> hash;
    for (const std::size_t n_more : {0, 8, 16, 24}) {
      gguf::Writer writer(8);
      for (const gguf::KeyValue& pair : file->metadata()) writer.copy(pair);
      writer.add("general.description", std::string(n_more, 'x'));
      for (const gguf::Tensor& t : file->tensors())
        writer.add_tensor(t.name, t.type->id, {t.dims.data(), t.n_dims}, t.data);
      auto bytes = writer.to_bytes();
      REQUIRE(bytes);
      const std::string path = folder / "m.gguf";
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes->data()), static_cast<std::streamsize>(bytes->size()));
      for (const kernels::KernelTable* table : kernels::runnable())
        for (const Weights weights : {Weights::file, Weights::repacked}) {
          INFO(format.name << ", " << n_more << " bytes further, " << table->name);
          const std::uint64_t found = hash_of(path, {.threads = 1, .isa = table->name, .weights = weights});
          CHECK(found == hash.value_or(found));
          hash = found;
        }
    }
  }
}

#if !defined(__GLIBC__) || defined(HEARTH_TEST_SANITIZED)
TEST_CASE("A13 a cgroup's limits hold") { WARN("SKIPPED: sanitizers stand in front of fopen themselves"); }
#else

namespace {

/// A folder in place of /proc and /sys; a wrapper of fopen can reach nothing but globals.
std::string g_root;

}  // namespace

#define HEARTH_STANDS_IN_FRONT __attribute__((visibility("default")))

extern "C" {
HEARTH_STANDS_IN_FRONT FILE* fopen64(const char* path, const char* mode) {
  using Open = FILE* (*)(const char*, const char*);
  static const auto real = reinterpret_cast<Open>(::dlsym(RTLD_NEXT, "fopen64"));
  const std::string_view asked = path;
  const bool stands_in = !g_root.empty() && (asked.starts_with("/proc/") || asked.starts_with("/sys/"));
  return real(stands_in ? (g_root + path).c_str() : path, mode);
}
HEARTH_STANDS_IN_FRONT FILE* fopen(const char* path, const char* mode) { return fopen64(path, mode); }
}

namespace {

/// A machine of 4 GiB, with a process in a group in a group.
class Machine {
 public:
  Machine() {
    write("/proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n");
    write("/proc/self/cgroup", "0::/outer/inner\n");
    g_root = folder_ / "";
    g_root.pop_back();
  }
  ~Machine() { g_root.clear(); }
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = (folder_ / "").string() + path.substr(1);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

 private:
  test::TempFolder folder_;
};

constexpr std::uint64_t kMiB = 1 << 20;

}  // namespace

TEST_CASE("A13 the least memory of all groups around is what there is; pages of files are given up") {
  Machine machine;
  CHECK(available_memory() == 4096 * kMiB);
  machine.write("/sys/fs/cgroup/outer/memory.max", "1073741824\n");
  machine.write("/sys/fs/cgroup/outer/memory.current", "536870912\n");
  CHECK(available_memory() == 512 * kMiB);
  machine.write("/sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_file 104857600\nactive_file 104857600\n");
  CHECK(available_memory() == 712 * kMiB);
  machine.write("/sys/fs/cgroup/outer/inner/memory.max", "max\n");
  machine.write("/sys/fs/cgroup/outer/inner/memory.current", "5\n");
  CHECK(available_memory() == 712 * kMiB);
  machine.write("/sys/fs/cgroup/outer/inner/memory.max", "4\n");  // less than is in use
  CHECK(available_memory() == 0);
}

TEST_CASE("A13 a group's quota of processors rounds up to whole ones, and is one at least") {
  Machine machine;
  const int granted = usable_processors();
  machine.write("/sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
  CHECK(usable_processors() == granted);
  machine.write("/sys/fs/cgroup/outer/cpu.max", "50000 100000\n");
  CHECK(usable_processors() == 1);
  machine.write("/sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
  CHECK(usable_processors() == std::min(granted, 2));
  machine.write("/sys/fs/cgroup/outer/cpu.max", "nonsense\n");
  CHECK(usable_processors() == granted);
}

TEST_CASE("A13 the limits of cgroup v1 hold, those of the group itself and of the groups around it") {
  Machine machine;
  machine.write("/proc/self/cgroup", "5:memory:/job\n4:cpu,cpuacct:/outer/inner\n1:name=systemd:/x\n0::/\n");
  const int granted = usable_processors();
  machine.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  machine.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(usable_processors() == granted);
  machine.write("/sys/fs/cgroup/cpu/outer/cpu.cfs_quota_us", "50000\n");
  machine.write("/sys/fs/cgroup/cpu/outer/cpu.cfs_period_us", "100000\n");
  CHECK(usable_processors() == 1);
  machine.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");  // no limit
  machine.write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
  CHECK(available_memory() == 4096 * kMiB);
  machine.write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1073741824\n");
  machine.write("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "536870912\n");
  machine.write("/sys/fs/cgroup/memory/job/memory.stat", "inactive_file 5\ntotal_inactive_file 104857600\n");
  CHECK(available_memory() == 612 * kMiB);
}

TEST_CASE("A13 measuring memory takes a quarter of what is left at most") {
  Machine machine;
  machine.write("/sys/fs/cgroup/outer/inner/memory.max", "67108864\n");
  machine.write("/sys/fs/cgroup/outer/inner/memory.current", "0\n");
  CHECK(test::status_in_child([] {
          const std::uint64_t before = peak_resident_bytes();
          return tools::machine_info() && peak_resident_bytes() - before < 64 * kMiB ? 0 : 1;
        }) == 0);
}

TEST_CASE("A13 in a group of little memory a context that does not fit is refused with its bytes, a short one runs") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.n_ctx = 1 << 20;
  const std::string path = write_model(folder, m);
  const std::uint64_t hash = hash_of(path, {.threads = 1});
  Machine machine;
  machine.write("/sys/fs/cgroup/outer/inner/memory.max", "67108864\n");
  machine.write("/sys/fs/cgroup/outer/inner/memory.current", "0\n");
  auto model = Model::open(path, {.threads = 1});
  REQUIRE(model);
  const auto too_much = model->session({.n_ctx = 1 << 20});
  REQUIRE_FALSE(too_much);
  CHECK(too_much.error().status() == Status::out_of_memory);
  CHECK(std::count(too_much.error().message().begin(), too_much.error().message().end(), ';') >= 2);
  auto fitting = model->session();
  REQUIRE(fitting);
  CHECK(fitting->n_ctx() < 1 << 20);
  const auto found = hash_of(*model);
  REQUIRE(found);
  CHECK(*found == hash);
}
#endif
