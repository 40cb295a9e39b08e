// What works on model files and machines rather than runs a conversation: inspect, tokenize, evaluate, describe the machine.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <hearth/hearth.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::tools {

struct MachineInfo {
  std::string version;            ///< of Hearth
  int arithmetic = 1;             ///< the version of ARITHMETIC.md's rules
  std::vector<std::string> isas;  ///< that run here, slowest first
  std::string isa;                ///< the fastest of them
  int threads = 0;                ///< what affinity and cgroups grant
  double read_gbps = 0;           ///< measured read bandwidth with that many threads, 10^9 bytes a second
};

/// `measure` = false leaves read_gbps 0 and takes no time.
HEARTH_API Result<MachineInfo> machine_info(bool measure = true);

/// One metadata value as it is read: scalars have one element in `values`, arrays up to `limit` of their first.
struct MetadataEntry {
  std::string key;
  std::string type;                 ///< "u32", "string", "array of string", …
  std::uint64_t count = 1;          ///< elements of an array
  std::vector<std::string> values;  ///< JSON texts: numbers, true/false, quoted and escaped strings
};

struct TensorEntry {
  std::string name, type;           ///< type as GGUF names it: "Q8_0"
  std::vector<std::uint64_t> dims;  ///< dims[0] is the row
  std::uint64_t offset = 0, bytes = 0;
  std::uint32_t shard = 0;
};

struct FileReport {
  std::string path;
  std::uint32_t version = 0;
  std::uint64_t file_bytes = 0, alignment = 0, n_parameters = 0, tensor_bytes = 0;
  double bits_per_weight = 0;
  std::vector<MetadataEntry> metadata;
  std::vector<TensorEntry> tensors;
};

/// Reads the header alone; any architecture, with or without tensors. `limit`: array elements kept.
HEARTH_API Result<FileReport> inspect(const std::string& path, std::size_t limit = 8, bool mmap = true);

/// Something that `check` found. Only fatal ones keep a file from being used as it says.
struct Finding {
  enum class Severity { note, warning, fatal };
  Severity severity = Severity::note;
  std::string part;     ///< of the file: "structure", "model", "tokenizer", "template", "tensors", "comparison"
  std::string message;  ///< one line
};

struct CheckOptions {
  bool tensors = false;   ///< read every value
  std::string tokenizer;  ///< a tokenizer.json of the same model to compare with; empty: none
  bool mmap = true;
};

/// Is this file sound? What is wrong with it is a finding; an error is what keeps it from being looked at.
HEARTH_API Result<std::vector<Finding>> check(const std::string& path, const CheckOptions& options);

/// A file's tokenizer; a GGUF of any architecture, with or without tensors, or a tokenizer.json (by its name's end).
class HEARTH_API Tokenizer {
 public:
  /// `pre`: as in ModelOptions.
  static Result<Tokenizer> open(const std::string& path, bool mmap = true, const std::string& pre = {});
  Result<std::vector<std::int32_t>> encode(std::string_view text, bool special = false, bool parse = false) const;
  Result<std::string> decode(std::span<const std::int32_t> ids) const;

  class Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

/// Renders a Jinja chat template. `variables`: a JSON object: messages, tools, add_generation_prompt, bos_token, any other.
/// `now`: what strftime_now sees, "2026-11-22T09:30:00"; empty: the local time.
HEARTH_API Result<std::string> render(std::string_view chat_template, std::string_view variables,
                                      std::string_view now = {});

/// The chat template of a model file; with tools the one made for them, where the file has one. None: not_found.
HEARTH_API Result<std::string> chat_template(const std::string& path, bool with_tools = false, bool mmap = true);

struct Perplexity {
  std::int64_t n_tokens = 0;  ///< scored
  double nll = 0;             ///< their summed negative log-likelihood, nats
  double ppl = 0;             ///< exp(nll / n_tokens)
  std::string logits_sha256;  ///< over the f32 bits of every scored position's logits, in order
};

/// The text is tokenized once without BOS and cut into windows of `n_ctx` tokens without overlap, BOS first where the model wants
/// one; every token after a window's first is scored. Log-softmax in f64 over f32 logits.
HEARTH_API Result<Perplexity> perplexity(const Model& model, std::string_view text, const SessionOptions& options);

struct BenchOptions {
  std::int64_t n_prompt = 512, n_generate = 128;
  std::vector<std::int64_t> batches = {1};  ///< sequences decoded together; every number of them is a run of its own, …
  std::vector<std::int64_t> depths = {0};  ///< … at every number of positions that lie before the first decoded one
  int reps = 3;                            ///< rounds; medians are reported
};

struct BenchRun {
  std::int64_t batch = 1, depth = 0;
  double decode_tps = 0;          ///< generated tokens a second, of all sequences together
  double pct_of_read_peak = 0;    ///< weights read a second, of the machine's read bandwidth
  std::uint64_t logits_hash = 0;  ///< of the first sequence's last logits: the same in every batch
};

struct BenchReport {
  double prefill_tps = 0;  ///< prompt tokens a second
  double first_pass_ms =
      0;                 ///< the first forward pass of this call, one token: a new model's structures are still cold
  double read_gbps = 0;  ///< measured read bandwidth of this machine, 10^9 bytes a second
  std::uint64_t peak_rss_bytes = 0;  ///< of this process until then
  std::vector<BenchRun> runs;        ///< depths within batches, in the options' order
};

/// Speed with made-up tokens: nothing is sampled, no text ends early.
HEARTH_API Result<BenchReport> bench(const Model& model, const SessionOptions& session, const BenchOptions& options);

struct ConvertProgress {
  std::uint64_t bytes_done = 0, bytes_total = 0;  ///< of tensors, as they are written
  std::string tensor;                             ///< that comes now
};

struct ConvertOptions {
  std::string type;  ///< of the weights: "f32", "f16", "bf16", "q8_0", …; empty: what the checkpoint has
  /// Called before each tensor; false stops, and leaves no file.
  std::function<bool(const ConvertProgress&)> progress;
};

struct ConvertReport {
  std::string architecture, type;  ///< as GGUF names them
  std::uint64_t n_tensors = 0, n_parameters = 0, tensor_bytes = 0;
  std::uint64_t n_fallback = 0;       ///< tensors that became F16, since their rows are no multiple of the type's block
  std::vector<std::string> left_out;  ///< tensors of the checkpoint that the file does not have
};

/// Writes the model of a Hugging Face folder (safetensors, config.json, tokenizer) as a GGUF file: whole, or not at all.
HEARTH_API Result<ConvertReport> convert(const std::string& folder, const std::string& out,
                                         const ConvertOptions& options = {});

/// Lower-case hexadecimal SHA-256 of bytes that come in pieces.
class HEARTH_API Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  std::string hex();

 private:
  alignas(16) std::array<std::byte, 128> state_;
};

}  // namespace hearth::tools
