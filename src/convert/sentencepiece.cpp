// Enters: the bytes of a protobuf message. Leaves: the fields of sentencepiece_model.proto that GGUF keeps.
#include "sentencepiece.h"

#include <cstring>
#include <optional>

#include "try.h"

namespace hearth::convert {
namespace {

/// One field of a message: a number, or bytes.
struct Field {
  std::uint64_t number = 0;  // which field
  enum class Wire : std::uint8_t { varint = 0, eight_bytes = 1, length = 2, four_bytes = 5 } wire{};
  std::uint64_t value = 0;
  std::span<const std::byte> bytes;
};

class Message {
 public:
  Message(std::span<const std::byte> bytes, std::span<const std::byte> file, const std::string& where)
      : bytes_(bytes), file_(file), where_(where) {}

  bool done() const { return at_ == bytes_.size(); }

  Result<Field> next() {
    HEARTH_TRY(const std::uint64_t key, varint());
    Field field{key >> 3, static_cast<Field::Wire>(key & 7), 0, {}};
    switch (field.wire) {
      case Field::Wire::varint: {
        HEARTH_TRY(field.value, varint());
        return field;
      }
      case Field::Wire::length: {
        HEARTH_TRY(const std::uint64_t length, varint());
        HEARTH_TRY(field.bytes, take(length));
        return field;
      }
      case Field::Wire::four_bytes:
      case Field::Wire::eight_bytes: {
        HEARTH_TRY(field.bytes, take(field.wire == Field::Wire::four_bytes ? 4 : 8));
        std::memcpy(&field.value, field.bytes.data(), field.bytes.size());
        return field;
      }
    }
    return broken("a field of unknown kind");
  }

  Message inside(const Field& field) const { return {field.bytes, file_, where_}; }

  Error broken(const std::string& what) const {
    return Error(Status::malformed, "the file is no SentencePiece model: " + what + " at byte " +
                                        std::to_string(bytes_.data() + at_ - file_.data()) + "; " + where_ +
                                        "; fetch the file again");
  }

 private:
  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (done()) return broken("it ends inside a number");
      const auto byte = static_cast<std::uint8_t>(bytes_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value;
    }
    return broken("a number of more than ten bytes");
  }

  Result<std::span<const std::byte>> take(std::uint64_t count) {
    if (count > bytes_.size() - at_) return broken("a field of " + std::to_string(count) + " bytes that is cut short");
    const auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }

  std::span<const std::byte> bytes_, file_;
  const std::string& where_;
  std::size_t at_ = 0;
};

// Field numbers of sentencepiece_model.proto.
constexpr std::uint64_t model_pieces = 1, model_normalizer = 3;
constexpr std::uint64_t piece_text = 1, piece_score = 2, piece_type = 3;
constexpr std::uint64_t normalizer_charsmap = 2, normalizer_dummy_prefix = 3, normalizer_extra_whitespaces = 4;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<SentencePieces::Piece> read_piece(Message message) {
  SentencePieces::Piece piece;
  while (!message.done()) {
    HEARTH_TRY(const Field field, message.next());
    if (field.number == piece_text && field.wire == Field::Wire::length) piece.text = text_of(field.bytes);
    if (field.number == piece_score && field.wire == Field::Wire::four_bytes)
      std::memcpy(&piece.score, field.bytes.data(), sizeof piece.score);
    if (field.number == piece_type && field.wire == Field::Wire::varint) {
      if (field.value < 1 || field.value > 6) return message.broken("a piece of type " + std::to_string(field.value));
      piece.type = static_cast<std::int32_t>(field.value);
    }
  }
  return piece;
}

Result<void> read_normalizer(Message message, SentencePieces& model) {
  while (!message.done()) {
    HEARTH_TRY(const Field field, message.next());
    if (field.number == normalizer_charsmap && field.wire == Field::Wire::length) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(field.bytes.data());
      model.charsmap.assign(bytes, bytes + field.bytes.size());
    }
    if (field.number == normalizer_dummy_prefix && field.wire == Field::Wire::varint)
      model.add_dummy_prefix = field.value != 0;
    if (field.number == normalizer_extra_whitespaces && field.wire == Field::Wire::varint)
      model.remove_extra_whitespaces = field.value != 0;
  }
  return {};
}

}  // namespace

bool looks_like_sentencepiece(std::span<const std::byte> file) {
  return !file.empty() && file[0] == std::byte{model_pieces << 3 | 2};
}

Result<SentencePieces> read_sentencepiece(std::span<const std::byte> file, const std::string& where,
                                          std::uint64_t most) {
  SentencePieces model;
  for (Message message(file, file, where); !message.done();) {
    HEARTH_TRY(const Field field, message.next());
    if (field.wire != Field::Wire::length) continue;
    if (field.number == model_pieces) {
      HEARTH_TRY(SentencePieces::Piece piece, read_piece(message.inside(field)));
      if (model.pieces.size() < most) model.pieces.push_back(std::move(piece));
      else ++model.n_left_out;
    }
    if (field.number == model_normalizer) HEARTH_CHECK(read_normalizer(message.inside(field), model));
  }
  if (model.pieces.empty())
    return Error(Status::malformed, "the SentencePiece model has no pieces; " + where + "; fetch the file again");
  return model;
}

}  // namespace hearth::convert
