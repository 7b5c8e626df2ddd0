#!/usr/bin/env bash
# ods.activity_rule: the whole table as it stands tonight
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.activity_rule" |
	wh-put ods.activity_rule "dt=$DT"
