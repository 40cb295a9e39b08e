// What a test may make of the device that the host plays.
#pragma once

namespace hearth::on_host {

/// Recordings of passes come to nothing.
inline bool refuses_recordings = false;

}  // namespace hearth::on_host
