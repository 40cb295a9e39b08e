// Enters: bytes in pieces. Leaves: their SHA-256, computed by libsodium.
#include <sodium/crypto_hash_sha256.h>

#include <hearth/tools.hpp>
#include <new>

namespace hearth::tools {
namespace {

using State = crypto_hash_sha256_state;
static_assert(sizeof(State) <= 128 && alignof(State) <= 16, "tools.hpp holds the state without naming libsodium");

State* state_in(std::array<std::byte, 128>& bytes) { return std::launder(reinterpret_cast<State*>(bytes.data())); }

}  // namespace

Sha256::Sha256() : state_{} { crypto_hash_sha256_init(new (state_.data()) State); }

void Sha256::update(std::span<const std::byte> bytes) {
  crypto_hash_sha256_update(state_in(state_), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string Sha256::hex() {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(state_in(state_), digest);
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace hearth::tools
