// Enters: the first 24 bytes of a file. Leaves: version and counts, or what the file is instead of GGUF.
#include "escape.h"
#include "gguf_parse.h"
#include "try.h"

namespace hearth::gguf {
namespace {

constexpr std::string_view magic = "GGUF";

/// What people open by mistake, by its first bytes, and the way out.
struct Lookalike {
  std::string_view prefix;
  std::string_view advice;
};

constexpr Lookalike lookalikes[] = {
    {"version https://git-lfs", "this is a Git LFS pointer, run 'git lfs pull' to fetch the model"},
    {"<!DOCTYPE", "this is a web page, download the model file itself"},
    {"<!doctype", "this is a web page, download the model file itself"},
    {"<html", "this is a web page, download the model file itself"},
    {"<HTML", "this is a web page, download the model file itself"},
    {"\x1f\x8b", "this is a gzip archive, unpack it first"},
    {"PK\x03\x04", "this is a zip archive (PyTorch checkpoints are), convert it to GGUF"},
    {"tjgg", "this is GGML, the format before GGUF, convert the original model again"},
    {"lmgg", "this is GGML, the format before GGUF, convert the original model again"},
    {"fmgg", "this is GGML, the format before GGUF, convert the original model again"},
    {"FUGG", "the bytes are in reverse order, fetch the little-endian file"},
};

std::string_view advice_for(std::string_view start) {
  for (const Lookalike& row : lookalikes)
    if (start.starts_with(row.prefix)) return row.advice;
  if (start.substr(1).starts_with(magic)) return "one stray byte stands before the magic, fetch the file again";
  return "the file is not GGUF";
}

Result<void> check_magic(const Cursor& in) {
  const std::string_view start(reinterpret_cast<const char*>(in.bytes().data()), header_bytes);
  if (start.starts_with(magic)) return {};
  return in.error("'" + escape(start.substr(0, magic.size())) + "' is not 'GGUF'", "magic", 0, advice_for(start));
}

Result<void> check_version(const Cursor& in, std::uint32_t version, std::uint64_t at) {
  if (version == 2 || version == 3) return {};
  const std::string number = std::to_string(version);
  if (version != 0 && (version & 0xffff) == 0) {
    return in.error("version " + number + " is a big-endian number", "version", at,
                    "big-endian files are not supported, fetch the little-endian file", Status::unsupported);
  }
  const std::string_view advice = version == 1   ? "version 1 is not supported, convert the model to version 3"
                                  : version == 0 ? damaged
                                                 : "this reader knows versions 2 and 3";
  return in.error("version " + number + " is not 2 or 3", "version", at, advice,
                  version == 0 ? Status::malformed : Status::unsupported);
}

/// A count may not promise more rows than the rest of the file can hold; nothing is allocated before this holds.
Result<void> check_count(const Cursor& in, std::uint64_t count, std::uint64_t each, std::uint64_t room,
                         std::string_view field, std::uint64_t at) {
  if (count <= room / each) return {};
  return in.error("count " + std::to_string(count) + " needs at least " + std::to_string(each) + " bytes each, " +
                      bytes_text(room) + " remain",
                  field, at);
}

}  // namespace

Result<Header> read_header(Cursor& in) {
  if (in.remaining() < header_bytes) {
    return in.error("file is " + bytes_text(in.remaining()) + ", header needs " + std::to_string(header_bytes),
                    "header", 0, in.remaining() == 0 ? "the file is empty, fetch it again" : cut_short);
  }
  HEARTH_CHECK(check_magic(in));
  HEARTH_CHECK(in.take(magic.size(), "magic"));
  Header header;
  HEARTH_TRY(header.version, in.number<std::uint32_t>("version"));
  HEARTH_CHECK(check_version(in, header.version, 4));
  HEARTH_TRY(header.n_tensors, in.number<std::uint64_t>("tensor count"));
  HEARTH_TRY(header.n_keys, in.number<std::uint64_t>("key count"));
  HEARTH_CHECK(check_count(in, header.n_keys, smallest_key_value, in.remaining(), "key count", 16));
  const std::uint64_t room = in.remaining() - header.n_keys * smallest_key_value;
  HEARTH_CHECK(check_count(in, header.n_tensors, smallest_tensor_info, room, "tensor count", 8));
  return header;
}

Result<Directory> parse_directory(std::span<const std::byte> bytes, const std::string& path) {
  Cursor in(bytes, quoted_path(path));
  HEARTH_TRY(const Header header, read_header(in));
  Directory directory;
  directory.version = header.version;
  HEARTH_CHECK(read_metadata(in, header.n_keys, directory));
  HEARTH_CHECK(read_tensor_table(in, header.n_tensors, directory));
  return directory;
}

}  // namespace hearth::gguf
