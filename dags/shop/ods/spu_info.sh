#!/usr/bin/env bash
# ods.spu_info: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.spu_info" |
	wh-put ods.spu_info "dt=$DT"
