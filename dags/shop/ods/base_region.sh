#!/usr/bin/env bash
# ods.base_region: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.base_region" |
	wh-put ods.base_region "dt=$DT"
