#!/usr/bin/env bash
# ods.activity_sku: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.activity_sku" |
	wh-put ods.activity_sku "dt=$DT"
