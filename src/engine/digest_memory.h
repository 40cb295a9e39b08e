// Enters: a file of digests that were computed before. Leaves: the same, with those of today.
#pragma once

#include <string>
#include <vector>

#include "mapped_file.h"

namespace hearth::engine {

/// SHA-256 by what a file is known by, so that gigabytes are read for it once. Nothing here fails: what cannot be read or makes no
/// sense is not remembered, what cannot be written will not be.
class DigestMemory {
 public:
  /// Lines of text, the newest last. An empty path remembers nothing.
  explicit DigestMemory(std::string path);

  /// Null: not known.
  const std::string* find(const FileStamp& file) const;

  /// A file that changed a moment ago may change again without its times showing it: such a one is not remembered.
  void remember(const FileStamp& file, const std::string& sha256);

  /// Writes the file anew if there is something new in it.
  void save() const;

 private:
  struct Row {
    FileStamp file;
    std::string sha256;
  };
  std::string path_;
  std::vector<Row> rows_;
  bool changed_ = false;
};

}  // namespace hearth::engine
