// Enters: a tensor of a checkpoint. Leaves: views of it. Which rows go where are facts of llama.cpp's files.
#include "transforms.h"

#include "escape.h"
#include "try.h"

namespace hearth::convert {
namespace {

Error misshapen(const TensorView& view, const std::string& needed) {
  return Error(Status::malformed, "tensor '" + escape(view.tensor().name) + "' has shape " +
                                      shape_text(view.tensor().shape) + ", " + needed +
                                      " is needed; the model folder; see that config.json belongs to the weights");
}

Result<void> need_dims(const TensorView& view, std::size_t n_dims) {
  if (view.shape().size() == n_dims) return {};
  return misshapen(view, "one of " + std::to_string(n_dims) + " dimensions");
}

Result<TensorView> interleave(const TensorView& view, std::uint64_t n_head) {
  const std::uint64_t rows = view.shape()[0];
  if (rows % (2 * n_head) != 0 || rows == 0)
    return misshapen(view, "a multiple of two rows for each of " + std::to_string(n_head) + " heads");
  // [n_head, half, pair] -> [n_head, pair, half]
  return view.split(0, n_head).split(1, 2).swapped(1, 2).shaped(view.shape());
}

Result<TensorView> half(const TensorView& view, std::uint64_t which) {
  if (view.shape().size() < 2) return misshapen(view, "rows");
  const std::size_t axis = view.shape().size() - 2;
  const std::uint64_t rows = view.shape()[axis];
  if (rows % 2 != 0) return misshapen(view, "an even number of rows");
  return view.sliced(axis, which * rows / 2, (which + 1) * rows / 2);
}

Result<TensorView> every_other(const TensorView& view, std::size_t axis, std::uint64_t first) {
  if (axis >= view.shape().size() || view.shape()[axis] % 2 != 0) return misshapen(view, "an even number of rows");
  return view.stepped(axis, first, 2);
}

Result<TensorView> every_other_turned(const TensorView& view, const HfConfig& config, std::uint64_t first) {
  HEARTH_TRY(const TensorView rows, turned(view, config));
  return every_other(rows, 1, first);
}

/// [n_head, keys + values, rank]
struct LatentHeads {
  TensorView view;
  std::uint64_t n_keys, n_rows;
};

Result<LatentHeads> latent_heads(const TensorView& view, const HfConfig& config) {
  HEARTH_CHECK(need_dims(view, 2));
  HEARTH_TRY(const std::uint64_t n_head, config.need_count("num_attention_heads"));
  HEARTH_TRY(const std::uint64_t keys, config.need_count("qk_nope_head_dim"));
  HEARTH_TRY(const std::uint64_t values, config.need_count("v_head_dim"));
  const std::uint64_t rows = keys + values;
  if (view.shape()[0] != n_head * rows)
    return misshapen(view, std::to_string(n_head) + " heads of " + std::to_string(rows) + " rows");
  return LatentHeads{view.split(0, n_head), keys, rows};
}

}  // namespace

Result<TensorView> interleave_q(const TensorView& view, const HfConfig& config) {
  HEARTH_TRY(const std::uint64_t n_head, config.need_count("num_attention_heads"));
  return interleave(view, n_head);
}

Result<TensorView> interleave_k(const TensorView& view, const HfConfig& config) {
  HEARTH_TRY(const std::uint64_t n_head, config.need_count("num_key_value_heads num_attention_heads"));
  return interleave(view, n_head);
}

Result<TensorView> first_half(const TensorView& view, const HfConfig&) { return half(view, 0); }
Result<TensorView> second_half(const TensorView& view, const HfConfig&) { return half(view, 1); }

Result<TensorView> even_rows(const TensorView& view, const HfConfig&) { return every_other(view, 1, 0); }
Result<TensorView> odd_rows(const TensorView& view, const HfConfig&) { return every_other(view, 1, 1); }

Result<TensorView> even_columns(const TensorView& view, const HfConfig&) {
  return every_other(view, view.shape().size() - 1, 0);
}
Result<TensorView> odd_columns(const TensorView& view, const HfConfig&) {
  return every_other(view, view.shape().size() - 1, 1);
}

Result<TensorView> turned(const TensorView& view, const HfConfig&) {
  HEARTH_CHECK(need_dims(view, 3));
  return view.swapped(1, 2);
}

Result<TensorView> even_rows_turned(const TensorView& view, const HfConfig& config) {
  return every_other_turned(view, config, 0);
}
Result<TensorView> odd_rows_turned(const TensorView& view, const HfConfig& config) {
  return every_other_turned(view, config, 1);
}

Result<TensorView> latent_keys(const TensorView& view, const HfConfig& config) {
  HEARTH_TRY(const LatentHeads heads, latent_heads(view, config));
  return heads.view.sliced(1, 0, heads.n_keys).swapped(1, 2);
}

Result<TensorView> latent_values(const TensorView& view, const HfConfig& config) {
  HEARTH_TRY(const LatentHeads heads, latent_heads(view, config));
  return heads.view.sliced(1, heads.n_keys, heads.n_rows);
}

}  // namespace hearth::convert
