#!/usr/bin/env bash
# Enters: the tree. Leaves: success when README.md shows examples/hello.cpp and hello.c byte for byte, the first in at most 25 lines.
set -euo pipefail
cd "$1"

shown() { awk -v begin='```'"$1" '$0 == begin { inside = 1; next } /^```$/ { if (inside) exit } inside' README.md; }

for language in cpp c; do
  diff <(shown $language) examples/hello.$language || { echo "README.md does not show examples/hello.$language"; exit 1; }
done
(($(wc -l <examples/hello.cpp) <= 25)) || { echo "examples/hello.cpp is longer than 25 lines"; exit 1; }
