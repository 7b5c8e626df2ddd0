#!/usr/bin/env bash
# ods.merchant_info: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.merchant_info" |
	wh-put ods.merchant_info "dt=$DT"
