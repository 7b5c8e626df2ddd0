#!/usr/bin/env bash
# ods.error_log: the errors of the day with the record they came with
set -euo pipefail

wh-cat "stg.app_log@$DT" |
	json-map -w 'err IS NOT NULL' --keep common,page,start,err,ts,trace_id |
	wh-put ods.error_log "dt=$DT"
