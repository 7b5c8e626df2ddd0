#!/usr/bin/env bash
# ods.action_log: one record for each action of a page
set -euo pipefail

wh-cat "stg.app_log@$DT" |
	json-split -e actions --as action --index ordinal --keep common,page,ts,trace_id |
	wh-put ods.action_log "dt=$DT"
