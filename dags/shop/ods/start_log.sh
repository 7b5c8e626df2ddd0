#!/usr/bin/env bash
# ods.start_log: the start records of the day, as they came
set -euo pipefail

wh-cat "stg.app_log@$DT" |
	json-map -w 'start IS NOT NULL' --keep common,start,ts,trace_id |
	wh-put ods.start_log "dt=$DT"
