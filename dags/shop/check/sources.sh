#!/usr/bin/env bash
# what the feed told against what the database holds, row by row: the orders of the day before, for which nothing comes any more;
# and a table that was read whole
set -euo pipefail
. ./env.sh

before=$(date -d "$DT - 1 day" +%F)
mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.order_info" --columns id,user_id,province_id \
	--where 'create_time >= :from AND create_time < :to' --arg from="$before" --arg to="$DT" |
	dq-reconcile -k id --fields user_id,province_id --table ods.order_info --dt "$before" - \
		<(wh-cat --missing-ok "ods.order_info@$before")
mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.sku_info" --columns id,price |
	dq-reconcile -k id --sum price --table ods.sku_info - "wh:ods.sku_info@$DT"
