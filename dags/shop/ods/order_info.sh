#!/usr/bin/env bash
# ods.order_info: the day's changes of order_info, in one form
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table order_info |
	wh-put ods.order_info "dt=$DT"
