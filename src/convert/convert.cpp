// Enters: a Hugging Face model folder. Leaves: a GGUF file. The order: what the model is, which tensors it has, what they
// become, its vocabulary; then everything is written in one go.
#include "convert.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <system_error>

#include "checkpoint.h"
#include "escape.h"
#include "family.h"
#include "float_state.h"
#include "host.h"
#include "metadata_keys.h"
#include "model_folder.h"
#include "output_type.h"
#include "tensor_bytes.h"
#include "tensor_plan.h"
#include "tokenizer_keys.h"
#include "try.h"

namespace hearth::convert {
namespace {

using kernels::Format;

struct Model {
  const Family* family;
  HfConfig config;
};

Result<Model> read_model(const ModelFolder& folder) {
  HEARTH_TRY(auto document, folder.json("config.json"));
  const std::string where = quoted_path(folder.path_of("config.json"));
  if (document.is_null())
    return Error(Status::not_found,
                 "no config.json; " + quoted_path(folder.path()) + "; name a Hugging Face model folder");
  HEARTH_TRY(HfConfig config, HfConfig::from(std::move(document), where));
  HEARTH_TRY(const std::string architecture, config.architecture());
  HEARTH_TRY(const Family* family, find_family(architecture));
  config.add_defaults(family->defaults);
  if (family->settle) HEARTH_CHECK(family->settle(config));
  return Model{family, std::move(config)};
}

/// The file that is written must not take the place of one that is read.
Result<void> check_out(const ModelFolder& folder, const std::string& out) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path(), none)) {
    if (!std::filesystem::equivalent(entry.path(), out, none) || entry.path().extension() == ".gguf") continue;
    return Error(Status::invalid_argument, "the output would replace a file of the model; " + quoted_path(out) +
                                               "; give the output another name");
  }
  return {};
}

/// Rows of the embedding: how many tokens there are.
Result<std::uint64_t> count_tokens(const TensorPlan& plan, const HfConfig& config) {
  for (const PlannedTensor& tensor : plan.tensors)
    if (tensor.name == "token_embd.weight" && tensor.shape.size() == 2) return tensor.shape[0];
  return config.wrong("vocab_size", "belongs to no embedding: the checkpoint has none");
}

void add_general(const ModelFolder& folder, const Family& family, const OutputTypes& types, Metadata& metadata) {
  std::error_code none;
  const std::filesystem::path path = std::filesystem::absolute(folder.path(), none) / ".";  // "." has a name as well
  metadata.set("general.architecture", std::string(family.arch));
  metadata.set("general.type", std::string("model"));
  metadata.set("general.name", path.lexically_normal().parent_path().filename().string());
  metadata.set("general.file_type", types.file_type());
  metadata.set("general.quantization_version", std::uint32_t{2});
}

Result<Metadata> make_metadata(const ModelFolder& folder, const Model& model, const TensorPlan& plan,
                               const OutputTypes& types, tools::ConvertReport& report) {
  Metadata metadata;
  HEARTH_TRY(const std::uint64_t n_vocab, count_tokens(plan, model.config));
  add_general(folder, *model.family, types, metadata);
  HEARTH_CHECK(add_sampling_keys(folder, metadata));
  HEARTH_CHECK(add_config_keys(*model.family, model.config, metadata));
  HEARTH_CHECK(add_pooling(folder, *model.family, metadata));
  HEARTH_CHECK(add_tokenizer(folder, *model.family, model.config, n_vocab, metadata, report));
  report.tokenizer = std::get<std::string>(*metadata.find("tokenizer.ggml.model"));
  return metadata;
}

/// Counts what is written and asks whether to go on.
class Progress {
 public:
  Progress(const tools::ConvertOptions& options, std::uint64_t total) : options_(options), now_{0, total, {}} {}

  Result<void> begin(const std::string& tensor, std::uint64_t bytes) {
    now_.tensor = tensor;
    const bool go_on = !options_.progress || options_.progress(now_);
    now_.bytes_done += bytes;
    if (go_on) return {};
    return Error(Status::cancelled, "the conversion was cancelled; tensor '" + tensor + "'; nothing was written");
  }

 private:
  const tools::ConvertOptions& options_;
  tools::ConvertProgress now_;
};

struct Job {
  const PlannedTensor* tensor;
  Format format;
  std::vector<std::uint64_t> dims;  // as GGUF has them: the row first
  std::uint64_t bytes = 0;
};

std::vector<Job> make_jobs(const TensorPlan& plan, const OutputTypes& types, tools::ConvertReport& report) {
  std::vector<Job> jobs;
  for (const PlannedTensor& tensor : plan.tensors) {
    Job job{&tensor, types.of(tensor), {tensor.shape.rbegin(), tensor.shape.rend()}};
    const kernels::FormatInfo& info = kernels::format_info(job.format);
    std::uint64_t n_elements = 1;
    for (const std::uint64_t count : tensor.shape) n_elements *= count;
    job.bytes = n_elements / info.block_elements * info.block_bytes;
    if (types.fell_back(tensor)) ++report.n_fallback;
    report.n_parameters += n_elements;
    report.tensor_bytes += job.bytes;
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace

Result<tools::ConvertReport> convert(const std::string& path, const std::string& out,
                                     const tools::ConvertOptions& options) {
  const FloatState canonical;  // settings and factors are rounded here
  const ModelFolder folder(path);
  HEARTH_CHECK(check_out(folder, out));
  HEARTH_TRY(const Model model, read_model(folder));
  HEARTH_TRY(const Checkpoint checkpoint, Checkpoint::open(folder));
  HEARTH_TRY(const TensorPlan plan, plan_tensors(checkpoint.tensors(), *model.family, model.config));
  HEARTH_TRY(const OutputTypes types, OutputTypes::choose(options.type, plan));
  tools::ConvertReport report;
  HEARTH_TRY(const Metadata metadata, make_metadata(folder, model, plan, types, report));

  gguf::Writer writer;
  metadata.write(writer);
  report.architecture = model.family->arch;
  report.type = types.name();
  report.n_tensors = plan.tensors.size();
  report.left_out = plan.left_out;
  const std::vector<Job> jobs = make_jobs(plan, types, report);
  Progress progress(options, report.tensor_bytes);
  HEARTH_TRY(const std::unique_ptr<Team> team, Team::start(usable_processors()));
  std::vector<std::byte> buffer;
  const PlannedTensor* written = nullptr;
  for (const Job& job : jobs) {
    writer.add_tensor(job.tensor->name, static_cast<std::uint32_t>(job.format), job.dims,
                      [&]() -> Result<std::span<const std::byte>> {
                        HEARTH_CHECK(progress.begin(job.tensor->name, job.bytes));
                        for (std::size_t i = 0; written && i < written->parts.size(); ++i)
                          checkpoint.release(written->parts[i].tensor());
                        written = job.tensor;
                        return tensor_bytes(*job.tensor, job.format, buffer, *team);
                      });
  }
  HEARTH_CHECK(writer.write(out));
  return report;
}

}  // namespace hearth::convert
