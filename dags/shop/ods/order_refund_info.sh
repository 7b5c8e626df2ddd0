#!/usr/bin/env bash
# ods.order_refund_info: the day's changes of order_refund_info, in one form
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table order_refund_info |
	wh-put ods.order_refund_info "dt=$DT"
