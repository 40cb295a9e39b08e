#!/usr/bin/env bash
# Enters: the source tree, a build of it, where that build puts kernels_test_static. Leaves: success when the kernels
# for AVX-512, on an emulated CPU that has it, give the definition's bits: cases of kernels_test, alone on a machine that
# bare/ makes of that CPU.
set -euo pipefail
source_dir=$1 build_dir=$2 program=$3
wider=tigerlake lesser=corei7_haswell_4770  # CPUs of Bochs 2.7: with all of AVX-512 that isa_avx512.h asks for; without
command -v bochs >/dev/null || { echo "SKIPPED: bochs is absent; install bochs and bochs-term"; exit 0; }
[[ $(uname -m) == x86_64 ]] || { echo "SKIPPED: this is no x86-64 machine"; exit 0; }
grep -qx $wider <<<"$(bochs --help cpu 2>&1)" || { echo "SKIPPED: this bochs knows no $wider"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CXX:-c++}" -static -x c++ - -o "$work/static" <<<'int main() {}' 2>/dev/null ||
  { echo "SKIPPED: there are no static libraries to link with"; exit 0; }

cmake --build "$build_dir" --target kernels_test_static >"$work/build" || { cat "$work/build"; exit 1; }
bare=$source_dir/tests/bare
"${CC:-cc}" -std=c11 -O1 -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-pic -fno-stack-protector \
  -fcf-protection=none -mgeneral-regs-only -mno-red-zone -nostdlib -static \
  -Wl,--build-id=none,--oformat=binary,-T,"$bare/rom.ld" "$bare/rom.S" "$bare/rom.c" -o "$work/rom.bin"

emulate() {  # emulate CPU ARGUMENT…: what kernels_test writes there is in $work/output; success when all went well
  local cpu=$1
  shift
  { printf '%s\0' kernels_test "$@" "" | dd bs=512 conv=sync status=none; cat "$program"; } >"$work/disk"
  truncate -s %516096 "$work/disk"  # whole cylinders: 16 heads, 63 sectors, 512 bytes
  sed "s/@MODEL@/$cpu/" "$bare/bochsrc" >"$work/bochsrc"
  # Debian's Bochs has a debugger, which waits to be told to go on. That a machine shuts itself down is an error to it.
  echo continue >"$work/orders"
  (cd "$work" && TERM=vt100 bochs -q -f bochsrc -rc orders </dev/null >output 2>messages) || true
  grep -qxa '\[well\]' "$work/output"
}

# A program without AVX-512, or an emulator that has it on every CPU, would prove nothing.
listing="an instruction set that is built is listed and found by its name"
if ! emulate $lesser "$listing"; then
  if grep -q "'term' not available" "$work/messages"; then echo "SKIPPED: bochs-term is absent; install it"; exit 0; fi
  cat "$work/messages" "$work/output"
  exit 1
fi
grep -qa "SKIPPED: avx512 needs" "$work/output" || { echo "$lesser took avx512, or it is not built"; exit 1; }

# Left out: pages of halves, because VCVTPS2PH of Bochs 2.7 rounds every tie up, where CPUs and the definition round it
# to even; and the matmuls' definition, sixteen formats in scalar code, which takes more than a quarter of an hour there: avx2,
# whose bits kernels_test holds to scalar's on real CPUs, stands for it.
run_cases() {
  emulate $wider --durations yes "$1" || { cat "$work/output"; tail -n 40 "$work/log"; exit 1; }
  sed -nE 's/^([0-9.]+) s: /\1 million instructions: /p; /^All tests passed/p' "$work/output"
}
run_cases "matmuls by any ISA have avx2's bits"
run_cases '~"attention: pages*"~"matmul:*"~[.emulated]'
grep -qa " s: $listing" "$work/output" || { echo "'$listing' did not run"; exit 1; }
if grep -a "SKIPPED: avx512 needs" "$work/output"; then echo "$wider did not take avx512"; exit 1; fi
echo "$wider: avx512, the definition's bits"
