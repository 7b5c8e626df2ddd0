#!/usr/bin/env bash
# ods.order_detail_activity: the rows behind the mark of the night before, each to the day it was made; they never
# change
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.order_detail_activity" --since id |
	wh-put ods.order_detail_activity
