// Enters: nothing. Leaves: what this build and machine are, as text or JSON.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <hearth/tools.hpp>
#include <nlohmann/json.hpp>

#include "command.h"
#include "options.h"

namespace hearth::cli {
namespace {

std::string as_json(const tools::MachineInfo& info) {
  nlohmann::ordered_json object;
  object["version"] = info.version;
  object["arithmetic"] = info.arithmetic;
  object["isas"] = info.isas;
  object["isa"] = info.isa;
  object["threads"] = info.threads;
  object["read_gbps"] = std::round(info.read_gbps * 100) / 100;
  return object.dump() + "\n";
}

std::string as_text(const tools::MachineInfo& info) {
  std::string isas;
  for (const std::string& isa : info.isas) isas += " " + isa;
  char read[64];
  std::snprintf(read, sizeof read, "%.1f GB/s", info.read_gbps);
  return "hearth " + info.version + ", arithmetic " + std::to_string(info.arithmetic) + "\ninstruction sets:" + isas +
         "\nused: " + info.isa + "\nthreads: " + std::to_string(info.threads) + "\nmemory read: " + read + "\n";
}

class Info : public Command {
 public:
  void declare(CLI::App& app) override {
    add_flag(app, "--json", json_, "one JSON object");
    isa_.declare(app);
    app.callback([this] { isa_.settle(); });
  }

  Result<void> run(Console& console) override {
    auto info = tools::machine_info();
    if (!info) return info.error();
    if (!isa_.name().empty()) {
      if (std::find(info->isas.begin(), info->isas.end(), isa_.name()) == info->isas.end())
        return Error(Status::unsupported, "instruction set " + isa_.name() +
                                              " does not run here; --isa; choose one that `hearth info` lists");
      info->isa = isa_.name();
    }
    console.write(json_ ? as_json(*info) : as_text(*info));
    return {};
  }

 private:
  IsaChoice isa_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_info() { return std::make_unique<Info>(); }

}  // namespace hearth::cli
