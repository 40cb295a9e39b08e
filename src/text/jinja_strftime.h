// Enters: a moment and a format. Leaves: the moment's text, as strftime writes it in the C locale; and back from ISO text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jinja_runtime.h"

namespace hearth::text::jinja {

std::string written_moment(const Moment& moment, std::string_view format);

/// "2026-11-22" or "2026-11-22T09:30:00"; nullopt for anything else.
std::optional<Moment> read_moment(std::string_view iso);

/// The same, or the local time for an empty text; an error names what was given.
Result<Moment> moment_or_now(std::string_view iso);

}  // namespace hearth::text::jinja
