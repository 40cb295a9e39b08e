// Enters: options' texts. Leaves: checked values, and models and sessions opened as they say; shared by the subcommands.
#include "options.h"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <utility>

#include "bundled_model.h"
#include "printable.h"

namespace hearth::cli {
namespace {

constexpr int kMaxThreads = 1024;
constexpr std::int64_t kMaxChunk = 4096;
const std::vector<std::string> kIsas = {"scalar", "avx2", "avxvnni", "avx512", "amx", "neon"};

[[noreturn]] void refuse(const std::string& name, const std::string& accepted, std::string_view found) {
  throw CLI::ValidationError(name + " takes " + accepted + ", not " + in_quotes(found));
}

void check_word(const std::string& name, const std::string& word) {
  if (word.empty()) refuse(name, "a text of at least one byte", word);
}

/// CLI11's own conversions trim, split and default; `use` gets each word as it was typed.
template <class Use>
CLI::Option* add_raw(CLI::App& app, const std::string& name, const char* type, const std::string& help, Use use) {
  const auto use_words = [&app, name, use](const CLI::results_t&) {
    for (const std::string& word : app.get_option(name)->results()) use(name, word);
    return true;
  };
  return app.add_option(name, CLI::callback_t(use_words), help)->type_name(type);
}

void check_choice(const std::string& name, const std::vector<std::string>& choices, const std::string& word) {
  std::string list;
  for (const std::string& choice : choices) {
    if (choice == word) return;
    list += (list.empty() ? "" : "|") + choice;
  }
  refuse(name, list, word);
}

std::string text_of(std::int64_t value) { return std::to_string(value); }
std::string text_of(std::uint64_t value) { return std::to_string(value); }
std::string text_of(int value) { return std::to_string(value); }
std::string text_of(float value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

template <class T> T parse_number(const std::string& name, std::string_view text, T lowest, T highest) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !(value >= lowest && value <= highest))  // written so that NaN is out of range
    refuse(name,
           (std::is_integral_v<T> ? "a whole number from " : "a number from ") + text_of(lowest) + " to " +
               text_of(highest),
           text);
  return value;
}

namespace {

template <class T> std::vector<T> parse_list(const std::string& name, std::string_view text, T lowest, T highest) {
  std::vector<T> values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    values.push_back(parse_number<T>(name, text.substr(begin, end - begin), lowest, highest));
    begin = end + 1;
  }
  return values;
}

}  // namespace

template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& value, T lowest, T highest,
                        const std::string& help) {
  return add_raw(app, name, "N", help, [&value, lowest, highest](const std::string& option, const std::string& word) {
    value = parse_number(option, word, lowest, highest);
  });
}

template int parse_number(const std::string&, std::string_view, int, int);
template float parse_number(const std::string&, std::string_view, float, float);
template std::uint64_t parse_number(const std::string&, std::string_view, std::uint64_t, std::uint64_t);
template CLI::Option* add_number(CLI::App&, const std::string&, int&, int, int, const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::int64_t&, std::int64_t, std::int64_t,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, float&, float, float, const std::string&);

CLI::Option* add_text(CLI::App& app, const std::string& name, const char* type, std::optional<std::string>& value,
                      const std::string& help) {
  return add_raw(app, name, type, help, [&value](const std::string&, const std::string& word) { value = word; });
}

CLI::Option* add_word(CLI::App& app, const std::string& name, const char* type, std::optional<std::string>& value,
                      const std::string& help) {
  return add_raw(app, name, type, help, [&value](const std::string& option, const std::string& word) {
    check_word(option, word);
    value = word;
  });
}

CLI::Option* add_texts(CLI::App& app, const std::string& name, const char* type, std::vector<std::string>& values,
                       const std::string& help) {
  CLI::Option* texts = add_raw(app, name, type, help, [&values](const std::string& option, const std::string& word) {
    check_word(option, word);
    values.push_back(word);
  });
  return texts->take_all()->allow_extra_args(false);
}

CLI::Option* add_any_texts(CLI::App& app, const std::string& name, const char* type, std::vector<std::string>& values,
                           const std::string& help) {
  CLI::Option* texts = add_raw(app, name, type, help,
                               [&values](const std::string&, const std::string& word) { values.push_back(word); });
  // Not allow_extra_args(true): CLI11 would take a text in brackets for a list, and divide it at its commas.
  constexpr int kMost = 1 << 20;  // more words than a call can have
  return texts->take_all()->expected(1, kMost)->allow_extra_args(false);
}

CLI::Option* add_flag(CLI::App& app, const std::string& name, bool& value, const std::string& help) {
  CLI::Option* option = app.add_flag_callback(
      name, [&value] { value = true; }, help);
  return option->disable_flag_override()->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

CLI::Option* add_choice(CLI::App& app, const std::string& name, std::vector<std::string> choices, std::string& value,
                        const std::string& help) {
  return add_raw(app, name, "NAME", help,
                 [&value, choices = std::move(choices)](const std::string& option, const std::string& word) {
                   check_choice(option, choices, word);
                   value = word;
                 });
}

CLI::Option* add_ids(CLI::App& app, const std::string& name, std::optional<std::vector<std::int32_t>>& ids,
                     const std::string& help) {
  return add_raw(app, name, "ID,ID,…", help, [&ids](const std::string& option, const std::string& word) {
    ids = parse_list<std::int32_t>(option, word, 0, std::numeric_limits<std::int32_t>::max());
  });
}

CLI::Option* add_numbers(CLI::App& app, const std::string& name, std::vector<std::int64_t>& values, std::int64_t lowest,
                         std::int64_t highest, const std::string& help) {
  return add_raw(app, name, "N,N,…", help,
                 [&values, lowest, highest](const std::string& option, const std::string& word) {
                   values = parse_list(option, word, lowest, highest);
                 });
}

void ModelFile::declare(CLI::App& app, Need need) {
  CLI::Option* model =
      add_text(app, "MODEL", "FILE", model_,
               need == Need::required ? "a .gguf file, the first of a split one"
                                      : "a .gguf file, the first of a split one; without it the bundled model");
  model->required(need == Need::required);
  add_flag(app, "--no-mmap", no_mmap_, "read the file into memory instead of mapping it");
}

Result<std::string> ModelFile::path() const { return model_ ? find_model(*model_) : bundled_model(); }

void add_pre(CLI::App& app, std::optional<std::string>& name) {
  add_word(app, "--pre", "NAME", name, "pre-tokenizer, in place of the model's tokenizer.ggml.pre");
}

void IsaChoice::declare(CLI::App& app) {
  add_choice(app, "--isa", kIsas, name_,
             "instruction set: scalar|avx2|avxvnni|avx512|amx|neon (default: the fastest here, or HEARTH_ISA)");
}

void IsaChoice::settle() {
  const char* value = environment("HEARTH_ISA");
  if (!name_.empty() || !value) return;
  check_choice("HEARTH_ISA", kIsas, value);
  name_ = value;
}

void ModelRun::declare(CLI::App& app, ModelFile::Need need) {
  file_.declare(app, need);
  isa_.declare(app);
  add_number(app, "--threads", threads_, 1, kMaxThreads,
             "threads (default: what the machine grants, or HEARTH_THREADS)");
  add_number(app, "--ctx", n_ctx_, std::int64_t{1}, std::numeric_limits<std::int64_t>::max(), "context in tokens");
  add_choice(app, "--kv", {"f16", "f32", "q8_0"}, kv_, "type of keys and values: f16 (default)|f32|q8_0");
  add_number(app, "--chunk", chunk_, std::int64_t{1}, kMaxChunk, "prompt tokens a pass (default 512)");
  add_choice(app, "--weights", {"auto", "file", "repacked"}, weights_,
             "how weights lie in memory: auto (default)|file|repacked");
  add_pre(app, pre_);
  add_raw(app, "--device", "NAME", "cpu (default)|cuda[:N[,N…]]: several have some layers each",
          [this](const std::string& name, const std::string& word) {
            if (word.rfind("cuda:", 0) == 0) parse_list<std::int32_t>("--device cuda:", word.substr(5), 0, 255);
            else check_choice(name, {"cpu", "cuda"}, word);
            device_ = word;
          });
  add_raw(app, "--gpu-layers", "N", "layers on the devices: all (default)|auto, as many as fit|N|N,N… of each",
          [this](const std::string& name, const std::string& word) {
            if (word != "all" && word != "auto")
              parse_list<std::int64_t>(name, word, 1, std::numeric_limits<std::int64_t>::max());
            gpu_layers_ = word;
          });
  add_flag(app, "--cpu-moe", cpu_moe_, "routed experts stay on the CPU");
}

void ModelRun::settle() {
  if (device_ == "cpu" && (gpu_layers_ != "all" || cpu_moe_))
    throw CLI::ValidationError("--gpu-layers and --cpu-moe need --device cuda");
  isa_.settle();
  if (const char* value = environment("HEARTH_THREADS"); threads_ == 0 && value)
    threads_ = parse_number("HEARTH_THREADS", value, 1, kMaxThreads);
}

Result<Model> ModelRun::open() const {
  auto path = file_.path();
  if (!path) return path.error();
  return Model::open(*path, model_options());
}

ModelOptions ModelRun::model_options() const {
  ModelOptions options;
  options.threads = threads_;
  options.isa = isa_.name();
  options.device = device_;
  options.gpu_layers = gpu_layers_;
  options.cpu_moe = cpu_moe_;
  options.mmap = file_.mmap();
  options.pre = pre_.value_or("");
  options.weights = weights_ == "file"       ? Weights::file
                    : weights_ == "repacked" ? Weights::repacked
                                             : Weights::automatic;
  return options;
}

Result<SessionOptions> ModelRun::session_options(std::int64_t default_n_ctx) const {
  SessionOptions options;
  options.n_ctx = n_ctx_ ? n_ctx_ : default_n_ctx;
  options.kv = kv_ == "f32" ? Kv::f32 : kv_ == "q8_0" ? Kv::q8_0 : Kv::f16;
  options.chunk = chunk_;
  return options;
}

}  // namespace hearth::cli
