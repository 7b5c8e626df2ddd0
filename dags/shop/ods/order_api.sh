#!/usr/bin/env bash
# ods.order_info once more, from the order interface: an order that the change feed told too counts once, and the
# feed's row is newer.  A day that has brought no order yet is no fault (realtime/hourly.sh).
set -euo pipefail

wh-cat --missing-ok "stg.order_api@$DT" |
	json-map --keep id,user_id,total_amount,channel,province_id,create_time,trace_id ord="'0'" |
	wh-put ods.order_info
