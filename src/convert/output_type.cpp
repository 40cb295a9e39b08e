// Enters: the type that was asked for, and the tensors. Leaves: the type of each.
#include "output_type.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "escape.h"

namespace hearth::convert {
namespace {

using kernels::Format;

/// general.file_type of a file that has mostly one type: llama.cpp's numbers.
struct FileTypeRow {
  Format format;
  std::uint32_t number;
};
constexpr FileTypeRow file_types[] = {
    {Format::f32, 0},     {Format::f16, 1},     {Format::q4_0, 2},  {Format::q4_1, 3},
    {Format::q8_0, 7},    {Format::q5_0, 8},    {Format::q5_1, 9},  {Format::q2_k, 10},
    {Format::q3_k, 11},   {Format::q4_k, 14},   {Format::q5_k, 16}, {Format::q6_k, 18},
    {Format::iq4_nl, 25}, {Format::iq4_xs, 30}, {Format::bf16, 32}, {Format::mxfp4, 38},
};

/// What stays F32, whatever is asked for: small, and read with every token.
bool is_exact(const PlannedTensor& tensor) {
  constexpr std::string_view names[] = {"ffn_gate_inp.weight", "ffn_gate_inp_shexp.weight", "position_embd.weight",
                                        "token_types.weight", "_norm.weight"};
  return tensor.shape.size() < 2 || !tensor.name.ends_with(".weight") ||
         std::any_of(std::begin(names), std::end(names), [&](auto end) { return tensor.name.ends_with(end); });
}

/// The type that most elements of matrices have in the checkpoint; F16 for what GGUF does not have.
Format prevailing(const TensorPlan& plan) {
  std::map<Format, std::uint64_t> counts{{Format::f16, 0}};
  for (const PlannedTensor& tensor : plan.tensors) {
    if (is_exact(tensor) || tensor.mxfp4) continue;
    for (const TensorView& part : tensor.parts) counts[part.tensor().type->format.value_or(Format::f16)] += part.size();
  }
  return std::max_element(counts.begin(), counts.end(), [](auto& a, auto& b) { return a.second < b.second; })->first;
}

bool is_float(Format format) { return kernels::format_info(format).kind == kernels::Kind::float_row; }

}  // namespace

Result<OutputTypes> OutputTypes::choose(const std::string& name, const TensorPlan& plan) {
  const bool has_mxfp4 =
      std::any_of(plan.tensors.begin(), plan.tensors.end(), [](const PlannedTensor& tensor) { return tensor.mxfp4; });
  if (name.empty()) return OutputTypes(prevailing(plan), has_mxfp4);
  std::string lower = name, known;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const kernels::FormatInfo& info : kernels::kFormats) {
    if (lower == info.name) return OutputTypes(info.format, has_mxfp4 && !is_float(info.format));
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  return Error(Status::invalid_argument,
               "the type '" + escape(name) + "' is not known; type of the output; choose " + known);
}

bool OutputTypes::is_free(const PlannedTensor& tensor) const { return !stays_mxfp4(tensor) && !is_exact(tensor); }

bool OutputTypes::fell_back(const PlannedTensor& tensor) const {
  return is_free(tensor) && tensor.shape.back() % kernels::format_info(format_).block_elements != 0;
}

Format OutputTypes::of(const PlannedTensor& tensor) const {
  if (stays_mxfp4(tensor)) return Format::mxfp4;
  if (!is_free(tensor)) return Format::f32;
  return fell_back(tensor) ? Format::f16 : format_;
}

std::string OutputTypes::name() const { return kernels::format_info(format_).name; }

std::uint32_t OutputTypes::file_type() const {
  const Format mostly = keeps_mxfp4_ && is_float(format_) ? Format::mxfp4 : format_;
  return std::find_if(std::begin(file_types), std::end(file_types), [&](auto& row) { return row.format == mostly; })
      ->number;
}

}  // namespace hearth::convert
