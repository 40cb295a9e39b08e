// Enters: a session. Leaves: a file from which the same model goes on with the same bits; and back.
#pragma once

#include <hearth/hearth.hpp>
#include <string>
#include <vector>

#include "context.h"

namespace hearth::engine {

/// A text with its keys and values, and the conversation that it came from.
struct SavedSession {
  Context context;
  std::vector<ChatMessage> conversation;
};

/// The file appears whole or not at all. Little-endian: "HEARTHKV", version, arithmetic version, the model's identity, settings,
/// tokens, pages, conversation, and SHA-256 of all that.
Result<void> save_session(const Context& context, std::span<const ChatMessage> conversation, const std::string& path,
                          const CallOptions& options = {});

/// Refuses what is not whole and sound, and what another model or arithmetic has made. The text does not become known to other
/// sessions: its pages were read, not computed.
Result<SavedSession> restore_session(std::shared_ptr<const LoadedModel> model, const std::string& path,
                                     const CallOptions& options = {});

}  // namespace hearth::engine
