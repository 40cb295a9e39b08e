#!/usr/bin/env bash
# Enters: the source tree and a built `hearth`. Leaves: success when tools/compare, bench/model_bench and `tools/dev run` do their work
# on the bundled model, with made-up rivals: one that answers like llama-bench, one that fails, one that is not there.
set -euo pipefail
source_dir=$1 hearth=$2
for needed in python3 taskset; do
  command -v $needed >/dev/null || { echo "SKIPPED: $needed is absent"; exit 0; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=$source_dir/models/hearth-stories.gguf

cat >"$work/rival" <<'TEXT'
#!/usr/bin/env bash
[[ $* == *"-p 4 -n 2 -t 1 -r 1 -o json" ]] || exit 3
echo 'a line of a log'
echo '[{"n_prompt": 4, "n_gen": 0, "avg_ts": 8.0}, {"n_prompt": 0, "n_gen": 2, "avg_ts": '"${2:-4.0}"'}]'
TEXT
chmod +x "$work/rival"
"$source_dir/tools/compare" --hearth "$hearth" --rounds 2 -p 4 -n 2 --threads 1 --out "$work/sub/out.json" --isa scalar \
  --rival "slow=$work/rival -x 2.0" --rival "fast=$work/rival -x 5.0" --rival "broken=/bin/false" --rival "none=$work/none" \
  --best "better=slow,fast,broken" "$model" >"$work/table" 2>"$work/messages"
grep -q '^broken on hearth-stories.gguf: exit 1' "$work/messages"
(($(grep -c '^none on' "$work/messages") == 1))
grep -qE '^\| hearth-stories.gguf \| decode \| [0-9.]+ \| [0-9]+ \| 2.00 \(x[0-9.]+\) \| 5.00 \(x[0-9.]+\) \| - \| - \| 5.00 \(x[0-9.]+\) \|$' "$work/table"
python3 - "$work/sub/out.json" <<'TEXT'
import json, sys
report = json.load(open(sys.argv[1]))
assert report["commit"] and report["machine"]["cpu"] and report["machine"]["processors"] > 0
model = report["models"]["hearth-stories.gguf"]
assert model["medians"]["broken"] is None and model["ratios"]["none"] is None
assert set(model["failures"]) == {"broken", "none"}
assert len(model["runs"]["hearth"]) == len(model["runs"]["fast"]) == 2
assert model["runs"]["hearth"][0]["isa"] == "scalar"
assert abs(model["ratios"]["better"]["decode"] * 5 / model["medians"]["hearth"]["decode"] - 1) < 1e-9
TEXT
if "$source_dir/tools/compare" --best "x=nobody" "$model" 2>/dev/null; then echo "--best took a rival that is none"; exit 1; fi

# What was measured stays: neither an older file nor a model of the same name is written over.
before=$(cat "$work/sub/out.json")
if "$source_dir/tools/compare" --out "$work/sub/out.json" "$model" 2>"$work/messages"; then echo "--out was overwritten"; exit 1; fi
grep -q "is there already" "$work/messages"
[[ $before == "$(cat "$work/sub/out.json")" ]]
if "$source_dir/tools/compare" --out "$work/two.json" "$model" "$work/hearth-stories.gguf" 2>"$work/messages"; then exit 1; fi
grep -q "two models are called 'hearth-stories.gguf'" "$work/messages"
cat >"$work/ours" <<'TEXT'
#!/usr/bin/env bash
[[ $1 != info ]] || { echo '{"threads": 3}'; exit; }
[[ $* == *"--threads 3 "* ]] || exit 3
echo '{"prefill_tps": 8.0, "decode_tps": 4.0, "read_gbps": 1.0, "pct_of_read_peak": 1.0, "isa": "scalar", "weights": "file"}'
TEXT
chmod +x "$work/ours"
tree="$work/a tree"
mkdir -p "$tree/tools" "$tree/build/bin" "$work/bin"
cp "$source_dir/tools/compare" "$source_dir/tools/dev" "$tree/tools"  # what is measured goes beside the copy
cp "$work/ours" "$tree/build/bin/hearth"
python=$(python3 -c 'import sys; print(sys.executable)')  # python3 may be a script that looks for one
compare() { "$python" "$tree/tools/compare" --rounds 1 "$model" >/dev/null 2>&1; }
results() { find "$tree/bench/results" -name "*-$1.json" | wc -l; }
ln -s "$(command -v bash)" "$work/bin"  # and no git
PATH=$work/bin compare
(($(results unknown) == 1))
if command -v git >/dev/null; then
  # shellcheck disable=SC2046  # names; a hook that runs the tests has set some, and they would lead to its own repository
  unset $(git rev-parse --local-env-vars)
  export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
  in_tree() { git -C "$tree" -c user.name=n -c user.email=e "$@"; }
  in_tree init -q && in_tree add -f tools build && in_tree commit -q -m m
  commit=$(in_tree rev-parse --short=12 HEAD)
  for _ in 1 2 3; do compare; done
  (($(results "$commit") == 1 && $(results "$commit-[23]") == 2))  # its own results are no changes
  echo >>"$tree/tools/dev"
  compare
  (($(results "$commit+changes") == 1))
fi

# A build that fails is told; what an older one left does not run.
printf '#!/bin/sh\necho broken; exit 1\n' >"$work/bin/cmake"
chmod +x "$work/bin/cmake"
printf '#!/bin/sh\necho an older one\n' >"$tree/build/bin/hearth"
touch "$tree/build/build.ninja"
if PATH=$work/bin:$PATH "$tree/tools/dev" run info >"$work/out" 2>"$work/messages"; then echo "an old program ran"; exit 1; fi
grep -q broken "$work/messages"
[[ ! -s $work/out ]]

# The peak of memory is the program's own, not that of the one that started it.
if grep -q VmHWM /proc/self/status; then
  python3 - "$hearth" "$model" <<'TEXT'
import json, subprocess, sys
large = bytearray(b"x") * (512 << 20)
out = subprocess.check_output([sys.argv[1], "bench", sys.argv[2], "-p", "4", "-n", "2", "--reps", "1", "--json"])
assert json.loads(out)["peak_rss_bytes"] < 400 << 20
TEXT
fi

for measure in neighbour batch depth start; do  # whether a bound is kept says nothing on a model this small
  "$source_dir/bench/model_bench" $measure --hearth "$hearth" --rounds 1 -n 2 "$model" >"$work/$measure" || (($? == 1))
done
grep -q '^kept: ' "$work/neighbour"
grep -q '^8 together against 1: ' "$work/batch"
(($(grep -c '^kept at ' "$work/depth") == 2))
grep -q '^first token: ' "$work/start"
if grep 'logits differ' "$work/batch"; then exit 1; fi
if "$source_dir/bench/model_bench" batch "$work/none.gguf" --hearth "$hearth" 2>"$work/messages"; then exit 1; fi
grep -q '^error: exit 1; ' "$work/messages"

# A made-up perf: the kernel's time and copies are told, though nobody knows whose they are.
mkdir "$work/perf"
cat >"$work/perf/perf" <<'TEXT'
#!/usr/bin/env bash
[[ $1 == report ]] || exit 0
echo '    50.00%  [.] hearth::kernels::(anonymous namespace)::Quantized<Q4_0>::run'
echo '    20.00%  [k] clear_page_erms'
echo '    10.00%  [k] memcpy_erms'
echo '    10.00%  [.] __memmove_avx512_unaligned_erms'
echo '     6.00%  [.] hearth::model::repack'
echo '     4.00%  [.] hearth::kernels::rms_norm'
TEXT
chmod +x "$work/perf/perf"
PATH=$work/perf:$PATH "$source_dir/bench/model_bench" profile --hearth "$hearth" --rounds 1 -n 2 "$model" >"$work/profile"
for line in 'matmul: 92.59% of a step' 'other: 7.41% of a step' 'kernel: 55.56% of a step beside it' \
  'copying: 18.52% of a step beside it'; do
  grep -qF "$line" "$work/profile"
done
