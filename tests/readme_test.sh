#!/usr/bin/env bash
# Enters: the tree. Leaves: success when README.md shows examples/hello.cpp byte for byte, in at most 25 lines.
set -euo pipefail
cd "$1"

shown() { awk '/^```cpp$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' README.md; }

diff <(shown) examples/hello.cpp || { echo "README.md does not show examples/hello.cpp"; exit 1; }
(($(wc -l <examples/hello.cpp) <= 25)) || { echo "examples/hello.cpp is longer than 25 lines"; exit 1; }
