// Enters: option structures as C callers hand them in, their sizes read. Leaves: the C++ API's options, every value checked.
#pragma once

#include <hearth/hearth.hpp>

#include "c_api_border.h"

namespace hearth::api {

// The callbacks of the options speak through `listener`, which outlives the call.
Result<ModelOptions> model_options(const hearth_model_options& given, Listener& listener);
Result<SessionOptions> session_options(const hearth_session_options* given);
Result<EmbedOptions> embed_options(const hearth_embed_options& given, Listener& listener);
Result<CallOptions> call_options(const hearth_call_options& given, Listener& listener);
Result<EngineOptions> engine_options(const hearth_engine_options* given, const hearth_session_options* session);

/// What of sampling is no list, to and from the C++ API.
SamplingOptions numbers_of(const hearth_sampling_options& given);
void set_numbers(hearth_sampling_options& to, const SamplingOptions& from);

Result<GenerateOptions> generate_options(const hearth_generate_options& given, const SamplingOptions& sampling,
                                         Listener& listener);
/// Of a chat: numbers are checked before its pointers are followed, so that a structure full of ones is an error.
Result<hearth_generate_options> generation_of(const hearth_chat_options& given);
Result<ChatOptions> chat_options(const hearth_chat_options& given, const hearth_generate_options& generate,
                                 Listener& listener);
Result<std::vector<ChatMessage>> chat_messages(const hearth_message* messages, std::size_t n_messages);

/// A pointer and a count as a text.
Result<std::string_view> text_of(const char* data, std::size_t n_bytes, std::string_view name);

/// A pointer and a count as texts.
Result<std::vector<std::string>> texts_of(const hearth_text* texts, std::size_t n, std::string_view name);

/// A pointer and a count as token ids.
Result<std::span<const std::int32_t>> ids_of(const std::int32_t* ids, std::size_t n_ids);

/// 0 or 1 as a bool.
Result<bool> flag_of(std::int32_t value, std::string_view name);

}  // namespace hearth::api
