// Enters: a GGUF tensor type id. Leaves: its name and block size. Every id the format ever had is a row here.
#include "tensor_type.h"

#include <iterator>

namespace hearth::gguf {
namespace {

// Checked against the static_asserts of ggml d99724f2 (GGUF.md); block_elements 0 marks an id that was removed.
constexpr TensorType types[] = {
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
    {4, "Q4_2", 0, 0},        {5, "Q4_3", 0, 0},        {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},      {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},
    {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},   {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},
    {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},  {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136},
    {24, "I8", 1, 1},         {25, "I16", 1, 2},        {26, "I32", 1, 4},        {27, "I64", 1, 8},
    {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},   {30, "BF16", 1, 2},       {31, "Q4_0_4_4", 0, 0},
    {32, "Q4_0_4_8", 0, 0},   {33, "Q4_0_8_8", 0, 0},   {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},
    {36, "IQ4_NL_4_4", 0, 0}, {37, "IQ4_NL_4_8", 0, 0}, {38, "IQ4_NL_8_8", 0, 0}, {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},    {41, "Q1_0", 128, 18},    {42, "Q2_0", 64, 18},
};

/// Ids that only ik_llama.cpp writes; its I2_S took the removed id 36.
constexpr bool is_ik_extension(std::uint32_t id) {
  return (id >= 97 && id <= 99) || (id >= 133 && id <= 158) || (id >= 202 && id <= 399);
}

}  // namespace

std::span<const TensorType> tensor_types() { return types; }

const TensorType* find_tensor_type(std::uint32_t id) {
  // The rows are dense and in order: a test keeps them so.
  return id < std::size(types) ? &types[id] : nullptr;
}

std::string refusal(std::uint32_t id) {
  const std::string type = "tensor type " + std::to_string(id);
  if (const TensorType* row = find_tensor_type(id); row != nullptr) {
    if (row->block_elements != 0) return {};
    const std::string clash = id == 36 ? ", or is I2_S, an ik_llama.cpp extension" : "";
    return type + " (" + std::string(row->name) + ") was removed from the format" + clash;
  }
  if (is_ik_extension(id)) return type + " is an ik_llama.cpp extension";
  return type + " is unknown, ids 0.." + std::to_string(std::size(types) - 1) + " are known";
}

std::optional<std::uint64_t> tensor_bytes(const TensorType& type, const std::array<std::uint64_t, 4>& dims) {
  if (type.block_elements == 0 || dims[0] % type.block_elements != 0) return std::nullopt;
  std::uint64_t bytes = dims[0] / type.block_elements;
  for (const std::uint64_t factor : {std::uint64_t{type.block_bytes}, dims[1], dims[2], dims[3]})
    if (__builtin_mul_overflow(bytes, factor, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace hearth::gguf
