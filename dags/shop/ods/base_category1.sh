#!/usr/bin/env bash
# ods.base_category1: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.base_category1" |
	wh-put ods.base_category1 "dt=$DT"
