// Enters: a text that a model has made. Leaves: a receipt of it; and whether a receipt's text comes out the same again.
#pragma once

#include <hearth/tools.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "context.h"

namespace hearth::engine {

/// Of the reply that the context's text ends with. `chat_template`: the source of what made the prompt, if that did.
Result<tools::Receipt> make_receipt(const Context& context, const GenerateOptions& options, const Reply& reply,
                                    std::optional<std::string_view> chat_template,
                                    std::vector<tools::FileDigest> files);

Result<tools::Replay> replay(std::shared_ptr<const LoadedModel> model, const tools::Receipt& receipt,
                             std::span<const tools::FileDigest> files, const tools::ReplayOptions& options);

}  // namespace hearth::engine
