#!/usr/bin/env bash
# Enters: the source tree, the built schema_sampler, a number of schemas. Leaves: success when random_schemas.py finds nothing wrong.
set -euo pipefail
source_dir=$1 sampler=$2 count=$3
python3 -c 'import jsonschema' 2>/dev/null || { echo "SKIPPED: python3-jsonschema is absent"; exit 0; }
exec python3 "$source_dir/tests/random_schemas.py" "$sampler" "$count"
