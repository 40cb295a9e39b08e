#!/usr/bin/env bash
# Enters: the tree, libhearth.so, hello (C++), hello_c and chat. Leaves: success when the hello of every language tells the same story,
# and chat answers.
set -euo pipefail
root=$1 library=$2 hello=$3 hello_c=$4 chat=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=$root/models/hearth-stories.gguf
[[ -e $model ]] || { echo "SKIPPED: no bundled model in this tree"; exit 0; }
folder=$(dirname "$library")
wanted=$("$hello" "$model")
[[ -n $wanted ]]
bad=0

same() {  # same NAME COMMAND…: its story, and an error for a file that is not there
  local name=$1 story message
  shift
  story=$("$@" "$model") || { echo "$name failed"; bad=1; }
  [[ $story == "$wanted" ]] || { echo "$name tells another story: $story"; bad=1; }
  if message=$("$@" "$work/none.gguf" 2>&1); then echo "$name opened a file that is not there"; bad=1; fi
  grep -q none.gguf <<<"$message" || { echo "$name does not say which file is missing: $message"; bad=1; }
  (($(wc -l <"$root/examples/${name}") <= 60)) || { echo "examples/$name is longer than 60 lines"; bad=1; }
}
needs() { command -v "$1" >/dev/null || { echo "SKIPPED: no $1 here, so $2 was not tried"; return 1; }; }

same hello.c "$hello_c"
(($(wc -l <"$root/examples/hello.c") <= 40)) || { echo "examples/hello.c is longer than 40 lines"; bad=1; }
if needs python3 hello.py; then same hello.py env HEARTH_LIBRARY="$library" python3 "$root/examples/hello.py"; fi
if needs rustc hello.rs; then
  rustc --edition 2021 -D warnings -O "$root/examples/hello.rs" -L "native=$folder" -C link-arg="-Wl,-rpath,$folder" -o "$work/hello_rs"
  same hello.rs "$work/hello_rs"
fi

# A model that has no template says so; the bundled one may be such a model.
answers=$(printf 'Tell me a story.\nAnd then?\n' | "$chat" "$model" 2>"$work/message") || grep -q template "$work/message" || { echo "chat failed: $(cat "$work/message")"; bad=1; }
[[ -n $answers || -s $work/message ]] || { echo "chat says nothing"; bad=1; }
exit $bad
