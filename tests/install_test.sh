#!/usr/bin/env bash
# Enters: the source tree and a build of it. Leaves: success when the installed library builds examples/hello.cpp and hello.c, once
# through find_package and once through pkg-config, and the installed program knows its bundled model; and what asks for
# absolute folders or a set of instructions that is none is answered well.
set -euo pipefail
source_dir=$1 build_dir=$2
compiler=${CXX:-c++} c_compiler=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build_dir" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"  # an installed tree must not remember where it was put
prefix=$work/moved

cmake -S "$source_dir/tests/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_C_COMPILER="$c_compiler" -DHELLO="$source_dir/examples/hello.cpp" -DHELLO_C="$source_dir/examples/hello.c" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/consumer" >"$work/log" || { cat "$work/log"; exit 1; }

pc=$(find "$prefix" -name hearth.pc -printf '%h')
for static in "" --static; do
  flags=$(PKG_CONFIG_PATH=$pc pkg-config $static --cflags --libs hearth)
  # shellcheck disable=SC2086  # flags are words
  "$compiler" -std=c++20 "$source_dir/examples/hello.cpp" $flags -Wl,-rpath,"${pc%/pkgconfig}" -o "$work/hello"
  # shellcheck disable=SC2086
  "$c_compiler" -std=c99 "$source_dir/examples/hello.c" $flags -Wl,-rpath,"${pc%/pkgconfig}" -o "$work/hello_c"
done

configure() { cmake -S "$source_dir" -B "$work/configured" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_C_COMPILER="$c_compiler" "$@" >"$work/log" 2>&1; }
configure -DCMAKE_INSTALL_LIBDIR=/opt/lib -DCMAKE_INSTALL_INCLUDEDIR=/opt/include -DHEARTH_ISAS= || { cat "$work/log"; exit 1; }
[[ $(PKG_CONFIG_PATH=$work/configured pkg-config --cflags hearth) == *-I/opt/include* ]]
[[ $(PKG_CONFIG_PATH=$work/configured pkg-config --libs hearth) == *-L/opt/lib* ]]
if configure -DHEARTH_ISAS=avx2,avx512; then echo "HEARTH_ISAS took a name that is none"; exit 1; fi
grep -q "'avx2,avx512' is none of" "$work/log"

"$prefix/bin/hearth" info --json | grep -q '"arithmetic"'
for hello in "$work/hello" "$work/hello_c" "$work/consumer/hello" "$work/consumer/hello_c"; do
  if message=$("$hello" "$work/none.gguf" 2>&1); then echo "hello opened a file that is not there"; exit 1; fi
  grep -q none.gguf <<<"$message"
done
model=$prefix/share/hearth/hearth-stories.gguf
[[ -e $model ]] || { echo "no bundled model in this tree: hello was built, not run"; exit 0; }
first=$("$work/hello" "$model")
[[ -n $first ]]
for hello in "$work/hello_c" "$work/consumer/hello" "$work/consumer/hello_c"; do [[ $first == "$("$hello" "$model")" ]]; done
[[ -n $("$prefix/bin/hearth" run -p "Once upon a time" -n 8 2>/dev/null) ]]
