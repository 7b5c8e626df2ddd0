#!/usr/bin/env bash
# what must hold of orders and their lines; a failure stops what stands below
set -euo pipefail

wh-cat "dwd.order_info@$DT" |
	dq-check -s check/orders.dq --arg day="$DT" --table dwd.order_info --history "$PIPEHOUSE_STATE/dq" >/dev/null
wh-cat "dwd.order_detail@$DT" |
	dq-check -s check/details.dq --arg day="$DT" --table dwd.order_detail --history "$PIPEHOUSE_STATE/dq" >/dev/null
