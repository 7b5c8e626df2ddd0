#!/usr/bin/env bash
# ods.page_log: the page records of the day, as they came
set -euo pipefail

wh-cat "stg.app_log@$DT" |
	json-map -w 'page IS NOT NULL' --keep common,page,ts,trace_id |
	wh-put ods.page_log "dt=$DT"
