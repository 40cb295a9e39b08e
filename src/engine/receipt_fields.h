// Enters: a receipt, and what goes through its fields: a writer or a reader. Leaves: each field told once, by its name in JSON and
// its place in the structure; so what is written is what is read.
#pragma once

#include <concepts>
#include <hearth/tools.hpp>
#include <limits>
#include <type_traits>

namespace hearth::engine {

inline constexpr std::int32_t kReceiptVersion = 1;  // of the JSON's layout

// Names in the order of the values.
inline constexpr const char* kKvNames[] = {"f16", "f32", "q8_0"};
inline constexpr const char* kFinishNames[] = {"end_of_text", "stop_string", "max_tokens", "context_full", "cancelled"};

/// T, to be read or to be written.
template <class T, class Of>
concept Some = std::same_as<std::remove_const_t<T>, Of>;

template <class Fields> void each_field(Fields& f, Some<SamplingOptions> auto& s) {
  f("temp", s.temp);
  f("dynatemp_range", s.dynatemp_range);
  f("dynatemp_exponent", s.dynatemp_exponent);
  f("top_k", s.top_k);
  f("top_p", s.top_p);
  f("min_p", s.min_p);
  f("typical_p", s.typical_p);
  f("top_n_sigma", s.top_n_sigma);
  f("xtc_probability", s.xtc_probability);
  f("xtc_threshold", s.xtc_threshold);
  f("repeat_penalty", s.repeat_penalty);
  f("repeat_last", s.repeat_last);
  f("presence_penalty", s.presence_penalty);
  f("frequency_penalty", s.frequency_penalty);
  f("dry_multiplier", s.dry_multiplier);
  f("dry_base", s.dry_base);
  f("dry_allowed", s.dry_allowed);
  f("dry_last", s.dry_last);
  f("dry_breakers", s.dry_breakers);
  f("mirostat", s.mirostat);
  f("mirostat_tau", s.mirostat_tau);
  f("mirostat_eta", s.mirostat_eta);
  f.objects("logit_bias", s.logit_bias, [](auto& row, auto& bias) {
    row("id", bias.id);
    row("bias", bias.bias);
  });
  f.ids("banned", s.banned);
  f.digits("seed", s.seed);
  f("choice", s.choice);
}

/// What can change a token. Guesses, threads, chunks and instruction sets cannot.
template <class Fields> void each_field(Fields& f, Some<GenerateOptions> auto& g) {
  f("max_tokens", g.max_tokens, -1);
  f("stop", g.stop);
  f("echo", g.echo);        // a stop text may be found in the prompt
  f("special", g.special);  // or in a control token's text
  f("grammar", g.grammar);
  f("json_schema", g.json_schema);
  f("regex", g.regex);
  f("grammar_triggers", g.grammar_triggers);
  f.unless_usual("reasoning_opens", g.reasoning_opens, "");
  f.unless_usual("reasoning_closes", g.reasoning_closes, "");
  f.object("sampling", [&](auto& sampling) { each_field(sampling, g.sampling); });
}

template <class Fields> void each_field(Fields& f, Some<tools::Receipt> auto& r) {
  f.version("receipt", kReceiptVersion);
  f("hearth", r.hearth);
  f("arithmetic", r.arithmetic, 1);
  f.object("model", [&](auto& model) {
    model("path", r.path);
    model.objects("files", r.files, [](auto& row, auto& file) {
      row("name", file.name);
      row("bytes", file.bytes);
      row.sha256("sha256", file.sha256);
    });
    model.sha256("tokenizer_sha256", r.tokenizer_sha256);
    model.sha256("template_sha256", r.template_sha256);
  });
  f.object("settings", [&](auto& settings) {
    settings("n_ctx", r.n_ctx, 1);
    settings.choice("kv", r.kv, kKvNames);
    each_field(settings, r.generate);
  });
  f.object("prompt", [&](auto& prompt) { prompt.sealed_ids(r.prompt); });
  f.object("output", [&](auto& output) {
    output.sealed_ids(r.tokens);
    output.choice("finish", r.finish, kFinishNames);
    output.hexadecimal("logits", r.logits_hash);
  });
  f.object("machine", [&](auto& machine) {
    machine("isa", r.isa);
    machine("threads", r.threads, 1);
    machine("chunk", r.chunk, 1);
    machine.unless_usual("device", r.device, "cpu");
  });
}

}  // namespace hearth::engine
