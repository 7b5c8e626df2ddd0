#!/usr/bin/env bash
# ods.payment_info: the day's changes of payment_info, in one form
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table payment_info |
	wh-put ods.payment_info "dt=$DT"
