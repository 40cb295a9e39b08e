// Enters: weights as the file has them. Leaves: the same weights in groups of 16 rows, matrix by matrix, and the file's bytes let go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <hearth/result.hpp>
#include <span>
#include <vector>

#include "aligned_buffer.h"
#include "kernel_table.h"
#include "parallel.h"
#include "weights.h"

namespace hearth::model {

/// Repacks every quantized matrix but the embedding table's rows (a tied head is repacked), a piece at a time. Between pieces
/// the weights may be used: a matrix is read from the file until its last group is there, and either layout gives the same bits.
class Repacking {
 public:
  using LetGo = std::function<void(std::span<const std::byte>)>;

  /// Takes the memory for all of the share; the system gives it page by page as it is written. `let_go` is told of the file's bytes
  /// that will not be read again.
  static Result<Repacking> of(Weights& weights, const kernels::KernelTable& table, LetGo let_go,
                              const Share& share = {});

  bool done() const { return next_ == matrices_.size(); }

  /// Bytes of its memory that are still to be written: until then the system counts them as left.
  std::uint64_t bytes_to_come() const;

  /// Packs about `bytes` more. Not while a pass runs.
  void advance(Team& team, std::size_t bytes);

 private:
  void pack_groups(Team& team, const Matrix& m, std::int64_t begin, std::int64_t end);

  std::vector<Matrix*> matrices_;
  const std::byte* embedding_ = nullptr;  // of the file: rows of it are read for ever
  const kernels::KernelTable* table_ = nullptr;
  LetGo let_go_;
  AlignedBuffer<std::byte> storage_;
  std::size_t next_ = 0;         // the matrix under way
  std::int64_t next_group_ = 0;  // of it
  std::byte* packed_ = nullptr;  // where it goes
};

/// Bytes that repacking takes.
std::uint64_t repacked_bytes(const Weights& weights, const Share& share = {});

/// Bytes of the file that are let go when all is repacked.
std::uint64_t replaced_bytes(const Weights& weights, const Share& share = {});

}  // namespace hearth::model
