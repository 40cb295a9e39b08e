// Enters: a tensor of a checkpoint. Leaves: its elements in another order, or some of them: split, swapped, sliced. Nothing
// moves until it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "source_tensor.h"

namespace hearth::convert {

/// What GGUF wants of a tensor is often the same numbers in another order. A view is a list of axes with strides, as NumPy's
/// are; the tensor must outlive it. Indices and counts must fit: whoever makes a view has looked at the shape.
class TensorView {
 public:
  explicit TensorView(const SourceTensor& tensor);

  const SourceTensor& tensor() const { return *tensor_; }
  /// Outermost first.
  const std::vector<std::uint64_t>& shape() const { return shape_; }
  std::uint64_t size() const;

  /// Axis `axis` as two: [count, n / count].
  TensorView split(std::size_t axis, std::uint64_t count) const;
  TensorView swapped(std::size_t a, std::size_t b) const;
  TensorView sliced(std::size_t axis, std::uint64_t begin, std::uint64_t end) const;
  /// Every `step`-th from `first`.
  TensorView stepped(std::size_t axis, std::uint64_t first, std::uint64_t step) const;
  /// The same elements in the same order, with another shape of as many.
  TensorView shaped(std::vector<std::uint64_t> shape) const;
  /// The value added to every element.
  TensorView plus(float value) const;
  float added() const { return added_; }

  /// Whether the elements lie one after the other, and from where.
  bool is_contiguous() const;
  std::span<const std::byte> contiguous_bytes() const;

  /// out = elements first … first + out.size() - 1 in the view's order, as numbers.
  void read(std::uint64_t first, std::span<float> out) const;
  /// The same as they are stored; `out` has a multiple of the type's bytes.
  void read_bits(std::uint64_t first, std::span<std::byte> out) const;

 private:
  struct Axis {
    std::uint64_t count, stride;  // in elements
  };
  template <class Run> void for_each_run(std::uint64_t first, std::uint64_t count, Run&& run) const;

  const SourceTensor* tensor_;
  std::vector<std::uint64_t> shape_;
  std::vector<Axis> axes_;  // outermost first; a shape of another count of axes has as many elements
  std::uint64_t offset_ = 0;
  float added_ = 0;
};

}  // namespace hearth::convert
