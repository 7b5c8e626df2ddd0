#!/usr/bin/env bash
# ods.favor_info: the rows touched since the mark of the night before, each to the day it was made; the newest of a
# key counts
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.favor_info" \
	--since operate_time --until "$(date -d "$DT + 1 day" +%F)" |
	wh-put ods.favor_info
