#!/usr/bin/env bash
# ods.display_log: one record for each display of a page
set -euo pipefail

wh-cat "stg.app_log@$DT" |
	json-split -e displays --as display --index ordinal --keep common,page,ts,trace_id |
	wh-put ods.display_log "dt=$DT"
