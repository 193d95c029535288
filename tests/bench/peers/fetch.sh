#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The script that a user with curl and jq would write: it fetches all pages into a file per job.
#   fetch.sh URL KEY DIRECTORY [PAGES]
set -euo pipefail

next="$1/v2/pre-recorded?limit=100"
directory=$3
pages=${4:-1000000}
page=$(mktemp)
trap 'rm -f "$page"' EXIT

while [[ -n $next ]] && ((pages-- > 0)); do
	curl -sf -H "x-gladia-key: $2" "$next" >"$page"
	jq -r '.items[] | .id, .' "$page" | awk -v directory="$directory" '
		/^[^{} ]/ { file = directory "/" $0 ".json"; next }
		{ print > file }
		/^}/ { close(file) }'
	next=$(jq -r '.next // empty' "$page")
done
