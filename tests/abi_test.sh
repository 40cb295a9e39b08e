#!/usr/bin/env bash
# Enters: the tree, libhearth.so, the program that dumps hearth.h's layout. Leaves: success when the header stands alone in every
# dialect, the library exports what the header declares and the C++ headers' classes, and all of it is as tests/golden/abi.txt says.
set -euo pipefail
root=$1 library=$2 dump=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() { echo "$1"; bad=1; }

strict=(-fsyntax-only -Wall -Wextra -Wpedantic -pedantic -Werror -I "$root/include")
echo '#include <hearth/hearth.h>' >"$work/alone.c"
for compiler in "${CC:-cc}" gcc clang; do
  command -v "$compiler" >/dev/null || { echo "SKIPPED: no $compiler here"; continue; }
  for dialect in c99 c11 c17; do "$compiler" -x c -std=$dialect "${strict[@]}" "$work/alone.c" || complain "$compiler -std=$dialect refuses hearth.h"; done
  for dialect in c++11 c++17 c++20; do "$compiler" -x c++ -std=$dialect "${strict[@]}" "$work/alone.c" || complain "$compiler -std=$dialect refuses hearth.h"; done
done

nm -D --defined-only --with-symbol-versions "$library" | awk '$2 != "A" { print $3 }' | sort >"$work/exported"
grep -oE '\bhearth_[a-z_]+\(' "$root/include/hearth/hearth.h" | tr -d '(' | sort -u >"$work/declared"
sed -n 's/@@HEARTH_0$//p' "$work/exported" | diff - "$work/declared" || complain "exported (<) and declared (>) C functions differ"
others=$(grep -vE '@@HEARTH_(CXX_)?0$' "$work/exported" || true)
[[ -z $others ]] || complain "exported without a version:"$'\n'"$others"
others=$(sed -n 's/@@HEARTH_CXX_0$//p' "$work/exported" | c++filt | grep -vE '^hearth::([A-Z][A-Za-z0-9]*::|tools::|plan[[(])' || true)
[[ -z $others ]] || complain "exported, but in no public header:"$'\n'"$others"

if (($(getconf LONG_BIT) == 64)); then
  { sed -n 's/@@HEARTH_0$//p' "$work/exported"; "$dump"; } >"$work/abi"
  diff "$root/tests/golden/abi.txt" "$work/abi" || complain "the C ABI is no longer what tests/golden/abi.txt says: it may only grow, in new places"
else
  echo "SKIPPED: the layouts in tests/golden/abi.txt are those of 64-bit machines"
fi
# A field that the dump leaves out could change unseen.
for field in $(sed 's://.*::' "$root/include/hearth/hearth.h" | sed -nE '/^typedef struct/,/^}/{s/^ +[a-z].*[ *]([a-z_]+);.*/\1/p}'); do
  grep -qw "$field" "$root/tests/abi_dump.c" || complain "tests/abi_dump.c leaves out $field"
done
exit $bad
