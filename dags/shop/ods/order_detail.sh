#!/usr/bin/env bash
# ods.order_detail: the day's changes of order_detail, in one form
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table order_detail |
	wh-put ods.order_detail "dt=$DT"
