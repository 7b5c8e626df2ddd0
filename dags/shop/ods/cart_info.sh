#!/usr/bin/env bash
# ods.cart_info: the rows touched since the mark of the night before, each to the day it was made; the newest of a
# key counts
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.cart_info" \
	--since operate_time --until "$(date -d "$DT + 1 day" +%F)" |
	wh-put ods.cart_info
