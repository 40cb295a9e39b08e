// What works on model files and machines rather than runs a conversation: inspect, tokenize, evaluate, describe the machine.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <hearth/hearth.hpp>
#include <optional>
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
  OnProgress on_progress{};  ///< of reading values
  Cancelled cancelled{};     ///< asked for each MiB of values: Status::cancelled
};

/// Is this file sound? What is wrong with it is a finding; an error is what keeps it from being looked at.
HEARTH_API Result<std::vector<Finding>> check(const std::string& path, const CheckOptions& options);

/// A file's tokenizer; a GGUF of any architecture, with or without tensors, or a tokenizer.json (by its name's end).
class HEARTH_API Tokenizer {
 public:
  /// `pre`: as in ModelOptions; a tokenizer.json has its own, so with one it is invalid_argument.
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
/// one; every token after a window's first is scored. Exponentials in f32, their sum and its logarithm in f64. Whoever
/// watches is heard within a tenth of a second.
HEARTH_API Result<Perplexity> perplexity(const Model& model, std::string_view text, const SessionOptions& session,
                                         const CallOptions& options = {});

struct BenchOptions {
  std::int64_t n_prompt = 512, n_generate = 128;
  std::vector<std::int64_t> batches = {1};  ///< sequences decoded together; every number of them is a run of its own, …
  std::vector<std::int64_t> depths = {0};  ///< … at every number of positions that lie before the first decoded one
  int reps = 3;                            ///< rounds; medians are reported
  OnProgress on_progress{};                ///< told between measurements
  Cancelled cancelled{};                   ///< asked before each pass: Status::cancelled
};

struct BenchRun {
  std::int64_t batch = 1, depth = 0;
  double decode_tps = 0;  ///< generated tokens a second, of all sequences together
  /// Weights read a second, of the machine's read bandwidth; 0 where a device computes. Of n experts, of which a token has k, a step
  /// is taken to read n * (1 - (1 - k/n)^batch): what is to be expected where each is as likely as any other.
  double pct_of_read_peak = 0;
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
  std::string tokenizer;           ///< likewise: "llama", "gpt2", …; "none": the folder has none
  std::uint64_t n_tensors = 0, n_parameters = 0, tensor_bytes = 0;
  std::uint64_t n_fallback = 0;       ///< tensors that became F16, since their rows are no multiple of the type's block
  std::vector<std::string> left_out;  ///< tensors of the checkpoint that the file does not have
  std::vector<std::string> tokens_left_out;  ///< added tokens that the embedding has no row for
  std::uint64_t n_pieces_left_out = 0;       ///< pieces of a tokenizer.model that it has no row for
};

/// Writes the model of a Hugging Face folder (safetensors, config.json, tokenizer) as a GGUF file: whole, or not at all.
HEARTH_API Result<ConvertReport> convert(const std::string& folder, const std::string& out,
                                         const ConvertOptions& options = {});

/// One of a model's files and its SHA-256, the digest that Ollama and Hugging Face name it by.
struct FileDigest {
  std::string name;  ///< without its folder
  std::uint64_t bytes = 0;
  std::string sha256;  ///< 64 lower-case hexadecimal digits

  bool operator==(const FileDigest&) const = default;
};

struct DigestOptions {
  /// A file that remembers digests, so that a model is read for its digest once: by device, inode, size, and the nanosecond of
  /// its last change. What is in it that makes no sense is forgotten; where it cannot be written nothing is remembered; neither
  /// is an error. Its folder is made. Empty: none.
  std::string memory{};
  OnProgress on_progress{};  ///< told only while bytes are read
  Cancelled cancelled{};     ///< asked for each MiB: Status::cancelled
};

/// Of each of the model's files, in the order of its shards: of the very bytes that this model runs on.
HEARTH_API Result<std::vector<FileDigest>> file_digests(const Model& model, const DigestOptions& options = {});

/// A text, and all that it follows from: enough to derive it again, anywhere, and to see whether it is the same.
struct Receipt {
  std::string hearth;             ///< the version that made it
  int arithmetic = 0;             ///< the version of the rules that its numbers come by
  std::string path;               ///< where the model's first file was
  std::vector<FileDigest> files;  ///< the model's

  /// Of its tokenizer.ggml.* keys, sorted: each key, its type and its value as the file has it, lengths before what varies.
  std::string tokenizer_sha256;
  std::optional<std::string> template_sha256;  ///< of the chat template's text; none: the prompt came from no template

  std::int64_t n_ctx = 0;
  Kv kv = Kv::f16;
  GenerateOptions generate{};           ///< what can change a token; the rest is as by default
  std::vector<std::int32_t> prompt;     ///< all tokens before the text
  std::vector<std::int32_t> tokens;     ///< the text
  Finish finish = Finish::end_of_text;  ///< cancelled: the text is its beginning
  std::uint64_t logits_hash = 0;        ///< as in Reply

  // What it was computed by. It changes nothing.
  std::string isa;
  int threads = 0;
  std::int64_t chunk = 0;
  std::string device = "cpu";  ///< as in ModelInfo
};

/// The receipt of the reply that the session's text ends with. `options` are those of the call that made it, `files` the model's.
/// The prompt is all of the session's text before the reply; so echo, which repeats the last call's alone, wants a new session.
HEARTH_API Result<Receipt> make_receipt(const Session& session, const GenerateOptions& options, const Reply& reply,
                                        std::vector<FileDigest> files);
HEARTH_API Result<Receipt> make_receipt(const Session& session, const ChatOptions& options, const ChatReply& reply,
                                        std::vector<FileDigest> files);

/// A JSON object. Token ids stand beside the SHA-256 of their 4 bytes each, little-endian; floats are spelled so that they come
/// back bit for bit; the seed is a text, since 2^64 - 1 is no number in many readers; bytes that are no UTF-8 are
/// {"hex": "…"} in place of a text. An error: what no receipt can hold (16 MiB; 100000 values besides token ids).
HEARTH_API Result<std::string> to_json(const Receipt& receipt);

/// What to_json() has written. Every field must be there, once, of its type and within its range, and no other: an unknown one
/// might have changed a token. Errors name the field.
HEARTH_API Result<Receipt> read_receipt(std::string_view json);

/// The same from and to a file, which appears whole or not at all. `check_writable` tells beforehand whether it can, and leaves
/// nothing behind.
HEARTH_API Result<Receipt> load_receipt(const std::string& path);
HEARTH_API Result<void> save_receipt(const Receipt& receipt, const std::string& path);
HEARTH_API Result<void> check_writable(const std::string& path);

struct ReplayOptions {
  std::int64_t chunk = 512;  ///< as in SessionOptions: changes nothing
  OnProgress on_progress{};  ///< of reading the prompt in
  Cancelled cancelled{};     ///< Status::cancelled
};

/// What came of a receipt's text when it was derived again.
struct Replay {
  /// The first token that is another, or where one text ends and the other goes on; the first after the prompt is 0.
  std::optional<std::int64_t> differs;
  bool same_finish = false, same_logits = false;
  Reply reply;  ///< the text of this time, one token longer than the receipt's at most

  bool same() const { return !differs && same_finish && same_logits; }
};

/// Derives a receipt's text again. That it differs is no error; what keeps it from being derived is: another arithmetic, another
/// model (`files`: this one's), with both digests.
HEARTH_API Result<Replay> replay(const Model& model, const Receipt& receipt, std::span<const FileDigest> files,
                                 const ReplayOptions& options = {});

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
