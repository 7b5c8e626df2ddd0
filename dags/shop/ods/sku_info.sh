#!/usr/bin/env bash
# ods.sku_info: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.sku_info" |
	wh-put ods.sku_info "dt=$DT"
