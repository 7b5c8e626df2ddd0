#!/usr/bin/env bash
# ods.user_info: the day's changes of user_info, in one form
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table user_info |
	wh-put ods.user_info "dt=$DT"
