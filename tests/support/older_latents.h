// Enters: a model that stores latents. Leaves: the same as older files have it.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "random_model.h"

namespace hearth::test {

/// K and V matrices of each head behind one another, under one name, with the keys that such files have. The matrices must be f32.
inline void make_older(ModelEditor& m, const test::RandomModel& shape) {
  const auto still = static_cast<std::size_t>(shape.still_dim()), latent = static_cast<std::size_t>(shape.latent_dim),
             value = static_cast<std::size_t>(shape.value_dim), n_head = static_cast<std::size_t>(shape.n_head);
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    const std::vector<std::byte> k = m.tensor(layer + "attn_k_b.weight").bytes,
                                 v = m.tensor(layer + "attn_v_b.weight").bytes;
    std::vector<std::byte> both(n_head * (still + value) * latent * 4);
    for (std::size_t h = 0; h < n_head; ++h) {
      std::byte* head = both.data() + h * (still + value) * latent * 4;
      for (std::size_t i = 0; i < still; ++i)
        for (std::size_t d = 0; d < latent; ++d)
          std::memcpy(head + (i * latent + d) * 4, k.data() + ((h * latent + d) * still + i) * 4, 4);
      std::memcpy(head + still * latent * 4, v.data() + h * value * latent * 4, value * latent * 4);
    }
    m.drop(layer + "attn_k_b.weight").drop(layer + "attn_v_b.weight");
    m.add({layer + "attn_kv_b.weight", 0, {latent, n_head * (still + value)}, std::move(both)});
  }
  m.remove("deepseek2.attention.key_length_mla").remove("deepseek2.attention.value_length_mla");
  m.set("deepseek2.attention.key_length", static_cast<std::uint32_t>(shape.still_dim() + shape.n_rot));
  m.set("deepseek2.attention.value_length", static_cast<std::uint32_t>(shape.value_dim));
  m.set("deepseek2.attention.head_count_kv", static_cast<std::uint32_t>(shape.n_head));
}

}  // namespace hearth::test
