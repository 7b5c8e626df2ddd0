#!/usr/bin/env bash
# ods.base_dic: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.base_dic" |
	wh-put ods.base_dic "dt=$DT"
