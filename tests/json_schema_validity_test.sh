#!/usr/bin/env bash
# Enters: the source tree, the built schema_sampler, a number of schemas. Leaves: success when random_schemas.py finds nothing wrong.
set -euo pipefail
source_dir=$1 sampler=$2 count=$3
for python in python3 /usr/bin/python3; do
  if $python -c 'import jsonschema' 2>/dev/null; then
    exec $python "$source_dir/tests/random_schemas.py" "$sampler" "$count"
  fi
done
echo "SKIPPED: python3-jsonschema is absent"
