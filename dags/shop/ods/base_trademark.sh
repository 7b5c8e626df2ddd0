#!/usr/bin/env bash
# ods.base_trademark: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.base_trademark" |
	wh-put ods.base_trademark "dt=$DT"
