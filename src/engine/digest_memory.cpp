// Enters: a file of digests that were computed before. Leaves: the same, with those of today.
#include "digest_memory.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <hearth/tools.hpp>
#include <span>
#include <string_view>
#include <system_error>

#include "atomic_file.h"
#include "read_number.h"

namespace hearth::engine {
namespace {

constexpr std::string_view kHead = "hearth digests 1: device inode bytes modified changed sha256 check";
constexpr std::size_t kMostRows = 1000;
constexpr std::uint64_t kMostBytes = 256 << 10;  // of the file; a row has at most 187
constexpr std::int64_t kMoment =
    2'000'000'000;  // nanoseconds; the coarsest clock of a file system that is still in use

/// The next word of a line, taken off it.
std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool is_digest(std::string_view word) {
  return word.size() == 64 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Of a row's other words: a digest of which a letter was changed is none.
std::string check_word(std::string_view words) {
  tools::Sha256 hash;
  hash.update(std::as_bytes(std::span(words)));
  return hash.hex().substr(0, 16);
}

std::int64_t now() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count();
}

}  // namespace

DigestMemory::DigestMemory(std::string path) : path_(std::move(path)) {
  std::error_code failed;
  if (path_.empty() || std::filesystem::file_size(path_, failed) > kMostBytes || failed) return;
  const auto file = MappedFile::open(path_, MappedFile::Access::read);
  if (!file) return;
  std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  for (bool head = true; !text.empty(); head = false) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (head && line != kHead) return;
    const std::size_t last = std::min(line.rfind(' '), line.size());
    const bool whole = !head && line.substr(std::min(last + 1, line.size())) == check_word(line.substr(0, last));
    line = line.substr(0, last);
    FileStamp stamp;
    if (!whole || !read_number(next_word(line), stamp.device) || !read_number(next_word(line), stamp.inode) ||
        !read_number(next_word(line), stamp.bytes) || !read_number(next_word(line), stamp.modified) ||
        !read_number(next_word(line), stamp.changed) || !is_digest(line))
      continue;
    rows_.push_back({stamp, std::string(line)});
  }
}

const std::string* DigestMemory::find(const FileStamp& file) const {
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.file == file; });
  return found == rows_.end() ? nullptr : &found->sha256;
}

void DigestMemory::remember(const FileStamp& file, const std::string& sha256) {
  if (path_.empty() || std::max(file.changed, file.modified) > now() - kMoment) return;
  std::erase_if(rows_, [&](const Row& row) { return row.file.device == file.device && row.file.inode == file.inode; });
  if (rows_.size() >= kMostRows) rows_.erase(rows_.begin());
  rows_.push_back({file, sha256});
  changed_ = true;
}

void DigestMemory::save() const {
  if (!changed_) return;
  std::string text(kHead);
  text += '\n';
  for (const Row& row : rows_) {
    std::string words;
    for (const std::uint64_t number : {row.file.device, row.file.inode, row.file.bytes})
      words.append(std::to_string(number)).append(" ");
    for (const std::int64_t time : {row.file.modified, row.file.changed})
      words.append(std::to_string(time)).append(" ");
    words.append(row.sha256);
    text.append(words).append(" ").append(check_word(words)).append("\n");
  }
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  auto file = AtomicFile::create(path_);
  if (file && file->write(std::as_bytes(std::span(text)))) static_cast<void>(file->commit());
}

}  // namespace hearth::engine
