#!/usr/bin/env bash
# ods.coupon_info: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.coupon_info" |
	wh-put ods.coupon_info "dt=$DT"
