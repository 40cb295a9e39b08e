// Enters: a checkpoint, a family, a config. Leaves: the tensors to write.
#include "tensor_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "escape.h"
#include "try.h"

namespace hearth::convert {
namespace {

/// What the {} of a pattern stood for.
struct Numbers {
  std::optional<std::uint64_t> layer, expert;
};

/// Nothing where the name does not fit the pattern.
std::optional<Numbers> fit(std::string_view pattern, std::string_view name) {
  Numbers numbers;
  while (!pattern.empty()) {
    if (!pattern.starts_with("{}")) {
      if (name.empty() || name[0] != pattern[0]) return std::nullopt;
      pattern.remove_prefix(1), name.remove_prefix(1);
      continue;
    }
    std::uint64_t number = 0;
    std::size_t digits = 0;
    for (; digits < name.size() && name[digits] >= '0' && name[digits] <= '9' && digits < 6; ++digits)
      number = number * 10 + static_cast<std::uint64_t>(name[digits] - '0');
    if (digits == 0) return std::nullopt;
    (numbers.layer ? numbers.expert : numbers.layer) = number;
    pattern.remove_prefix(2), name.remove_prefix(digits);
  }
  return name.empty() ? std::optional(numbers) : std::nullopt;
}

std::string filled(std::string_view pattern, const Numbers& numbers) {
  const std::size_t at = pattern.find("{}");
  if (at == std::string_view::npos) return std::string(pattern);
  return std::string(pattern.substr(0, at)) + std::to_string(numbers.layer.value_or(0)) +
         std::string(pattern.substr(at + 2));
}

/// What the tables call a tensor: without what wraps the model, and with the end apart.
struct Name {
  std::string_view stem, end;
};

Name plain_name(std::string_view name) {
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view wrapper : {"model.", "language_model.", "text_model.", "bert."})
      if (name.starts_with(wrapper)) name.remove_prefix(wrapper.size()), found = true;
  }
  constexpr std::pair<std::string_view, std::string_view> ends[] = {
      {".weight", ".weight"}, {".bias", ".bias"}, {".gamma", ".weight"}, {".beta", ".bias"}};
  for (const auto& [end, written] : ends)
    if (name.ends_with(end)) return {name.substr(0, name.size() - end.size()), written};
  return {name, ""};
}

/// Parts of models for pictures and sound, which a text model's file does not have; buffers that are computed.
bool is_left_out(std::string_view name) {
  constexpr std::string_view others[] = {"vision_tower.", "vision_model.", "multi_modal_projector.", "visual.",
                                         "audio_tower."};
  for (const std::string_view other : others)
    if (name.find(other) != std::string_view::npos) return true;
  constexpr std::string_view buffers[] = {".rotary_emb.inv_freq", ".attention.bias", ".attention.masked_bias",
                                          "embeddings.position_ids"};
  return std::any_of(std::begin(buffers), std::end(buffers), [&](auto buffer) { return name.ends_with(buffer); });
}

class Planner {
 public:
  Planner(const Family& family, const HfConfig& config, std::uint64_t n_layer, bool tied)
      : family_(family), config_(config), n_layer_(n_layer), tied_(tied) {}

  /// Blocks of weights that were scaled to fit eight bits: the scales of each lie beside it.
  void add_scales(std::span<const SourceTensor> tensors) {
    for (const SourceTensor& tensor : tensors)
      if (tensor.name.ends_with(scales_end))
        scales_.emplace(tensor.name.substr(0, tensor.name.size() - scales_end.size()), &tensor);
  }

  Result<void> add(const SourceTensor& tensor) {
    if (tensor.name.ends_with(scales_end)) return {};
    HEARTH_TRY(const bool taken, take(tensor, family_.tensors));
    if (taken) return {};
    HEARTH_TRY(const bool common, take(tensor, common_tensors()));
    if (common) return {};
    if (is_left_out(tensor.name) || predicts_further(tensor.name))
      return plan_.left_out.push_back(tensor.name), Result<void>();
    return Error(Status::unsupported, "tensor '" + escape(tensor.name) + "' is not known for architecture '" +
                                          std::string(family_.arch) +
                                          "'; the model folder; convert a model whose tensors this family has");
  }

  Result<TensorPlan> finish() {
    for (auto& [key, target] : targets_) {
      HEARTH_CHECK(close(target));
      plan_.tensors.push_back(std::move(target.planned));
    }
    return std::move(plan_);
  }

 private:
  /// Of layers after the model's own, which predict further tokens.
  bool predicts_further(std::string_view name) const {
    constexpr std::string_view layers = "layers.";
    const std::string_view stem = plain_name(name).stem;
    const auto numbers = fit("layers.{}", stem.substr(0, stem.find('.', layers.size())));
    return numbers && *numbers->layer >= n_layer_;
  }

  struct Target {
    PlannedTensor planned;
    std::map<std::uint64_t, TensorView> experts;
    std::optional<TensorView> codes, scales;
  };

  Result<bool> take(const SourceTensor& tensor, std::span<const TensorRow> rows) {
    const Name name = plain_name(tensor.name);
    bool taken = false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::optional<Numbers> numbers = fit(rows[i].from, name.stem);
      if (!numbers) continue;
      taken = true;
      const bool beyond = numbers->layer && rows[i].from.find("layer") != std::string_view::npos &&
                          *numbers->layer >= n_layer_;  // layers that predict further tokens
      if (rows[i].to.empty() || beyond || (tied_ && rows[i].to == "output")) {
        plan_.left_out.push_back(tensor.name);
        break;
      }
      HEARTH_CHECK(put(tensor, rows[i], *numbers, name.end, first_row(rows, rows[i].to)));
    }
    return taken;
  }

  Result<TensorView> whole_view(const SourceTensor& tensor) const {
    const TensorView view(tensor);
    const auto found = scales_.find(tensor.name);
    if (found == scales_.end()) return view;
    const SourceTensor& scales = *found->second;
    const nlohmann::json* settings = config_.find("quantization_config");
    const nlohmann::json block =
        settings && settings->is_object() ? settings->value("weight_block_size", nlohmann::json()) : nlohmann::json();
    const auto is_size = [](const nlohmann::json& size) {
      return size.is_number_unsigned() && size.get<std::uint64_t>() > 0;
    };
    if (!block.is_array() || block.size() != 2 || !is_size(block[0]) || !is_size(block[1]))
      return config_.wrong("quantization_config",
                           "has no 'weight_block_size' of two numbers above 0 for the checkpoint's scales");
    const auto rows = block[0].get<std::uint64_t>(), columns = block[1].get<std::uint64_t>();
    const auto blocks = [](std::uint64_t count, std::uint64_t size) { return (count - 1) / size + 1; };
    if (tensor.shape.size() != 2 || tensor.data.empty() || !scales.type->value ||
        scales.shape != std::vector<std::uint64_t>{blocks(tensor.shape[0], rows), blocks(tensor.shape[1], columns)})
      return mistake(scales, "has shape " + shape_text(scales.shape) + " for weights of shape " +
                                 shape_text(tensor.shape) + " in blocks of " + std::to_string(rows) + " by " +
                                 std::to_string(columns));
    return view.scaled(scales, rows, columns);
  }

  /// Where the tensor stands among those of its layer, whichever row makes it.
  static std::size_t first_row(std::span<const TensorRow> rows, std::string_view to) {
    std::size_t row = 0;
    while (rows[row].to != to) ++row;
    return row;
  }

  Result<void> put(const SourceTensor& tensor, const TensorRow& row, const Numbers& numbers, std::string_view end,
                   std::size_t order) {
    std::string to = filled(row.to, numbers);
    const bool has_end = to.ends_with(".weight") || to.ends_with(".bias");
    if (!has_end) to += end.empty() ? ".weight" : end;
    if (tensor.data.empty()) return mistake(tensor, "has no elements");
    if (!tensor.type->value && row.part == Part::whole)
      return mistake(tensor, "has dtype " + std::string(tensor.type->name) + ", which holds no weights");
    HEARTH_TRY(TensorView view, whole_view(tensor));
    if (row.transform) {
      HEARTH_TRY(view, row.transform(view, config_));
    }
    if (family_.norms_plus_one && to.ends_with("norm.weight")) view = view.plus(1);
    const bool in_layer = row.to.find("{}") != std::string_view::npos;
    Target& target = targets_[{in_layer ? *numbers.layer + 1 : 0, order, to}];
    target.planned.name = to;
    const bool fresh = row.part == Part::mxfp4_codes    ? !std::exchange(target.codes, view).has_value()
                       : row.part == Part::mxfp4_scales ? !std::exchange(target.scales, view).has_value()
                       : numbers.expert                 ? target.experts.emplace(*numbers.expert, view).second
                                                        : target.planned.parts.empty();
    if (!fresh) return mistake(tensor, "would be written as '" + to + "' a second time");
    if (row.part == Part::whole && !numbers.expert) target.planned.parts = {view}, target.planned.shape = view.shape();
    return {};
  }

  Result<void> close(Target& target) {
    if (target.codes || target.scales) return close_mxfp4(target);
    if (target.experts.empty()) return {};
    PlannedTensor& planned = target.planned;
    if (!planned.parts.empty()) return mistake(planned.parts.front().tensor(), "comes whole and expert by expert");
    HEARTH_TRY(const std::uint64_t n_expert, config_.need_count("num_local_experts num_experts n_routed_experts"));
    if (target.experts.size() != n_expert || target.experts.rbegin()->first != n_expert - 1)
      return Error(Status::malformed, "'" + planned.name + "' is made of " + std::to_string(target.experts.size()) +
                                          " experts up to number " + std::to_string(target.experts.rbegin()->first) +
                                          ", config.json has " + std::to_string(n_expert) +
                                          "; the model folder; fetch the missing files");
    for (const auto& [expert, view] : target.experts) {
      if (view.shape() != target.experts.begin()->second.shape())
        return mistake(view.tensor(), "has another shape than expert 0's");
      planned.parts.push_back(view);
    }
    planned.shape = planned.parts.front().shape();
    planned.shape.insert(planned.shape.begin(), n_expert);
    return {};
  }

  /// Codes [experts, rows, blocks, 16], scales [experts, rows, blocks].
  Result<void> close_mxfp4(Target& target) {
    PlannedTensor& planned = target.planned;
    const TensorView& some = target.codes ? *target.codes : *target.scales;
    if (!target.codes || !target.scales || !planned.parts.empty())
      return mistake(some.tensor(), "has codes or scales without the other");
    std::vector<std::uint64_t> blocks = target.scales->shape();
    blocks.push_back(16);
    if (target.codes->shape() != blocks || target.codes->tensor().type->bytes != 1 ||
        target.scales->tensor().type->bytes != 1)
      return mistake(some.tensor(), "has codes of shape " + shape_text(target.codes->shape()) +
                                        " and scales of shape " + shape_text(target.scales->shape()));
    planned.mxfp4 = true;
    planned.shape = target.scales->shape();
    planned.shape.back() *= 32;
    planned.parts = {*target.codes, *target.scales};
    return {};
  }

  static Error mistake(const SourceTensor& tensor, const std::string& what) {
    return Error(Status::malformed,
                 "tensor '" + escape(tensor.name) + "' " + what + "; the model folder; fetch the folder again");
  }

  const Family& family_;
  const HfConfig& config_;
  const std::uint64_t n_layer_;
  const bool tied_;
  static constexpr std::string_view scales_end = "_scale_inv";
  std::map<std::string, const SourceTensor*> scales_;  // of the weights of that name
  TensorPlan plan_;
  std::map<std::tuple<std::uint64_t, std::size_t, std::string>, Target> targets_;
};

}  // namespace

Result<TensorPlan> plan_tensors(std::span<const SourceTensor> tensors, const Family& family, const HfConfig& config) {
  HEARTH_TRY(const std::uint64_t n_layer, config.need_count("num_hidden_layers n_layer n_layers num_layers"));
  HEARTH_TRY(const std::optional<bool> tied, config.flag("tie_word_embeddings"));
  Planner planner(family, config, n_layer, tied.value_or(false));
  planner.add_scales(tensors);
  for (const SourceTensor& tensor : tensors) HEARTH_CHECK(planner.add(tensor));
  HEARTH_TRY(TensorPlan plan, planner.finish());
  HEARTH_TRY(std::vector<PlannedTensor> made, rope_tensors(family, config));
  plan.tensors.insert(plan.tensors.begin(), std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
  return plan;
}

}  // namespace hearth::convert
