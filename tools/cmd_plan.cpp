// Enters: a model file and how it would be run. Leaves: what that will take, from the header alone, as text or JSON.
#include <cmath>
#include <cstdio>
#include <hearth/hearth.hpp>
#include <nlohmann/json.hpp>

#include "command.h"
#include "options.h"
#include "printable.h"

namespace hearth::cli {
namespace {

const char* in_words(Weights weights) { return weights == Weights::repacked ? "repacked" : "file"; }
const char* in_words(Kv kv) { return kv == Kv::f32 ? "f32" : kv == Kv::q8_0 ? "q8_0" : "f16"; }

double rounded(double value) { return std::round(value * 100) / 100; }

std::string as_json(const Plan& p) {
  nlohmann::ordered_json object;
  object["path"] = p.path;
  object["name"] = p.name;
  object["architecture"] = p.architecture;
  object["tokenizer"] = p.tokenizer;
  object["chat_template"] = p.chat_template.empty() ? nlohmann::json() : nlohmann::json(p.chat_template);
  object["isa"] = p.isa;
  object["samplers"] = p.samplers;
  object["threads"] = p.threads;
  object["weights"] = in_words(p.weights);
  object["kv"] = in_words(p.kv);
  object["ctx"] = p.n_ctx;
  object["ctx_train"] = p.n_ctx_train;
  object["chunk"] = p.chunk;
  object["batch"] = p.batch;
  object["weights_bytes"] = p.weights_bytes;
  object["kv_bytes"] = p.kv_bytes;
  object["scratch_bytes"] = p.scratch_bytes;
  object["total_bytes"] = p.total_bytes;
  object["allocated_bytes"] = p.allocated_bytes;
  object["available_bytes"] = p.available_bytes;
  object["device"] = p.device;
  for (const PlannedDevice& device : p.devices)
    object["devices"].push_back({{"name", device.name},
                                 {"layers", device.n_layer},
                                 {"experts", device.experts},
                                 {"bytes", device.bytes},
                                 {"available_bytes", device.available_bytes}});
  object["device_bytes"] = p.device_bytes;
  object["device_available_bytes"] = p.device_available_bytes;
  object["fits"] = p.fits;
  object["read_gbps"] = rounded(p.read_gbps);
  object["decode_tps"] = rounded(p.decode_tps);
  object["prefill_tps"] = rounded(p.prefill_tps);
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string in_units(std::uint64_t bytes) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

std::string in_words(const std::vector<std::string_view>& names) {
  std::string words;
  for (const std::string_view name : names) (words += words.empty() ? "" : ", ") += name;
  return words;
}

std::string on_devices(const Plan& p) {
  std::string lines;
  if (p.device_bytes == 0) return lines;
  for (const PlannedDevice& device : p.devices)
    lines += "\non " + printable(device.name, Lines::escape) + ": " + std::to_string(device.n_layer) + " layers, " +
             (device.experts ? "experts, " : "") + in_units(device.bytes) + " of " + in_units(device.available_bytes) +
             " left";
  return lines;
}

std::string as_text(const Plan& p) {
  char speeds[128];
  std::snprintf(speeds, sizeof speeds, "%.1f tok/s decoding, %.1f tok/s reading a prompt", p.decode_tps, p.prefill_tps);
  return printable(p.path, Lines::escape) + ": " + printable(p.architecture, Lines::escape) + ", tokenizer " +
         printable(p.tokenizer, Lines::escape) + ", " +
         (p.chat_template.empty() ? "no chat template" : "replies as " + p.chat_template) + "\ncontext " +
         std::to_string(p.n_ctx) + " of " + std::to_string(p.n_ctx_train) + ", chunk " + std::to_string(p.chunk) +
         ", batch " + std::to_string(p.batch) + ", threads " + std::to_string(p.threads) + ", isa " + p.isa +
         "\nsamplers, in this order: " + in_words(p.samplers) + "\nweights (" + in_words(p.weights) +
         "): " + in_units(p.weights_bytes) + "\nkeys and values (" + in_words(p.kv) + "): " + in_units(p.kv_bytes) +
         "\nscratch: " + in_units(p.scratch_bytes) + "\ntotal: " + in_units(p.total_bytes) + ", " +
         (p.fits ? "fits into " : "does not fit into ") + in_units(p.available_bytes) + on_devices(p) +
         "\nforecast: " + (p.decode_tps > 0 ? speeds : "none where a device computes") + "\n";
}

class PlanCommand : public Command {
 public:
  void declare(CLI::App& app) override {
    model_.declare(app, ModelFile::Need::required);
    add_number(app, "--batch", batch_, std::int64_t{1}, std::int64_t{256}, "sequences computed together (default 1)");
    add_flag(app, "--json", json_, "one JSON object");
    app.callback([this] { model_.settle(); });
  }

  Result<void> run(Console& console) override {
    auto session = model_.session_options();
    if (!session) return session.error();
    auto path = model_.path();
    if (!path) return path.error();
    auto made = plan(*path, model_.model_options(), *session, batch_);
    if (!made) return made.error();
    console.write(json_ ? as_json(*made) : as_text(*made));
    return {};
  }

 private:
  ModelRun model_;
  std::int64_t batch_ = 1;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_plan() { return std::make_unique<PlanCommand>(); }

}  // namespace hearth::cli
