// Enters: a view. Leaves: its elements.
#include "tensor_view.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel_table.h"

namespace hearth::convert {

TensorView::TensorView(const SourceTensor& tensor) : tensor_(&tensor), shape_(tensor.shape) {
  if (shape_.empty()) shape_ = {1};
  std::uint64_t stride = 1;
  for (std::size_t i = shape_.size(); i-- > 0; stride *= shape_[i]) axes_.insert(axes_.begin(), {shape_[i], stride});
}

std::uint64_t TensorView::size() const {
  std::uint64_t product = 1;
  for (const std::uint64_t count : shape_) product *= count;
  return product;
}

TensorView TensorView::split(std::size_t axis, std::uint64_t count) const {
  TensorView made = *this;
  const Axis whole = axes_[axis];
  const std::uint64_t inner = whole.count / count;
  made.axes_[axis] = {inner, whole.stride};
  made.axes_.insert(made.axes_.begin() + static_cast<std::ptrdiff_t>(axis), {count, whole.stride * inner});
  made.shape_[axis] = inner;
  made.shape_.insert(made.shape_.begin() + static_cast<std::ptrdiff_t>(axis), count);
  return made;
}

TensorView TensorView::swapped(std::size_t a, std::size_t b) const {
  TensorView made = *this;
  std::swap(made.axes_[a], made.axes_[b]);
  std::swap(made.shape_[a], made.shape_[b]);
  return made;
}

TensorView TensorView::sliced(std::size_t axis, std::uint64_t begin, std::uint64_t end) const {
  TensorView made = *this;
  made.offset_ += begin * axes_[axis].stride;
  made.axes_[axis].count = made.shape_[axis] = end - begin;
  return made;
}

TensorView TensorView::stepped(std::size_t axis, std::uint64_t first, std::uint64_t step) const {
  TensorView made = *this;
  made.offset_ += first * axes_[axis].stride;
  made.axes_[axis] = {(axes_[axis].count - first + step - 1) / step, axes_[axis].stride * step};
  made.shape_[axis] = made.axes_[axis].count;
  return made;
}

TensorView TensorView::shaped(std::vector<std::uint64_t> shape) const {
  TensorView made = *this;
  made.shape_ = std::move(shape);
  return made;
}

TensorView TensorView::plus(float value) const {
  TensorView made = *this;
  made.added_ += value;
  return made;
}

bool TensorView::is_contiguous() const {
  std::uint64_t stride = 1;
  for (std::size_t i = axes_.size(); i-- > 0; stride *= axes_[i].count)
    if (axes_[i].count != 1 && axes_[i].stride != stride) return false;
  return true;
}

std::span<const std::byte> TensorView::contiguous_bytes() const {
  return tensor_->data.subspan(offset_ * tensor_->type->bytes, size() * tensor_->type->bytes);
}

/// run(bits, stride, count) for each stretch along the innermost axis, in order.
template <class Run> void TensorView::for_each_run(std::uint64_t first, std::uint64_t count, Run&& run) const {
  const Axis inner = axes_.back();
  while (count != 0) {
    std::uint64_t place = first / inner.count, at = offset_ + first % inner.count * inner.stride;
    for (std::size_t i = axes_.size() - 1; i-- > 0; place /= axes_[i].count)
      at += place % axes_[i].count * axes_[i].stride;
    const std::uint64_t length = std::min(count, inner.count - first % inner.count);
    run(tensor_->data.data() + at * tensor_->type->bytes, inner.stride, length);
    first += length;
    count -= length;
  }
}

void TensorView::read(std::uint64_t first, std::span<float> out) const {
  const ElementType& type = *tensor_->type;
  float* to = out.data();
  for_each_run(first, out.size(), [&](const std::byte* bits, std::uint64_t stride, std::uint64_t count) {
    if (stride == 1 && type.format) kernels::dequantize_row(*type.format, to, bits, static_cast<std::int64_t>(count));
    else
      for (std::uint64_t i = 0; i < count; ++i) to[i] = type.value(bits + i * stride * type.bytes);
    to += count;
  });
  if (added_ != 0)
    for (float& value : out) value += added_;
}

void TensorView::read_bits(std::uint64_t first, std::span<std::byte> out) const {
  const std::size_t bytes = tensor_->type->bytes;
  std::byte* to = out.data();
  for_each_run(first, out.size() / bytes, [&](const std::byte* bits, std::uint64_t stride, std::uint64_t count) {
    if (stride == 1) std::memcpy(to, bits, count * bytes);
    else
      for (std::uint64_t i = 0; i < count; ++i) std::memcpy(to + i * bytes, bits + i * stride * bytes, bytes);
    to += count * bytes;
  });
}

}  // namespace hearth::convert
