#!/usr/bin/env bash
# what must hold of the orders; a failure stops what stands below
set -euo pipefail

wh-cat "dwd.order_info@$DT" |
	dq-check -s check/orders.dq --arg day="$DT" --table dwd.order_info >/dev/null
