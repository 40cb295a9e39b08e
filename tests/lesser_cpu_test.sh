#!/usr/bin/env bash
# Enters: the source tree and a built `hearth`. Leaves: success when the same program, on emulated CPUs without AVX-512 and without
# AVX, takes the instruction set that is left there, and gives the bits it gives here.
set -euo pipefail
source_dir=$1 hearth=$2
emulator=qemu-x86_64
command -v $emulator >/dev/null || { echo "SKIPPED: $emulator is absent; install qemu-user"; exit 0; }
[[ $(uname -m) == x86_64 ]] || { echo "SKIPPED: this is no x86-64 machine"; exit 0; }
model=${HEARTH_TEST_DATA:-$source_dir/../shared}/models/stories260K.gguf
[[ -e $model ]] || model=$source_dir/models/hearth-stories.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ids=1,403,407,261,378,31,17,255,100,42

answers() {  # answers NAME [EMULATOR…]: text, logits and messages of this program
  local name=$1
  shift
  "$@" "$hearth" run "$model" -p "Once upon a time" -n 48 --temp 0 >"$work/$name.text" 2>"$work/$name.messages"
  "$@" "$hearth" eval "$model" --tokens $ids --logits "$work/$name.npy" 2>>"$work/$name.messages"
}

# An emulator that lets instructions pass which its CPU lacks would prove nothing.
cat >"$work/avx.cpp" <<'TEXT'
int main() { asm volatile("vpxor %%ymm0, %%ymm0, %%ymm0" ::: "xmm0"); }
TEXT
"${CXX:-c++}" "$work/avx.cpp" -o "$work/avx"
$emulator -cpu Haswell "$work/avx" 2>/dev/null || { echo "SKIPPED: this $emulator knows no AVX2"; exit 0; }
if { (ulimit -c 0; exec $emulator -cpu Nehalem "$work/avx"); } 2>/dev/null; then echo "SKIPPED: this $emulator runs AVX2 on every CPU"; exit 0; fi

answers here
while read -r cpu isa; do
  answers "$cpu" $emulator -cpu "$cpu"
  cmp "$work/here.text" "$work/$cpu.text"
  cmp "$work/here.npy" "$work/$cpu.npy"
  grep -q "; isa $isa;" "$work/$cpu.messages" || { echo "$cpu did not take $isa:"; cat "$work/$cpu.messages"; exit 1; }
  echo "$cpu: $isa, the same bits"
done <<'TEXT'
Haswell avx2
Nehalem scalar
qemu64 scalar
TEXT

if $emulator -cpu Nehalem "$hearth" run "$model" -p a -n 1 --isa avx2 >/dev/null 2>"$work/refusal"; then
  echo "--isa avx2 ran on a CPU without it"
  exit 1
fi
grep -q "^error: instruction set 'avx2' needs AVX2" "$work/refusal"
