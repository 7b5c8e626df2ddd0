#!/usr/bin/env bash
# prepare.sh: what the jobs write to and look up, made where it is not there; once, before the first start
# dim.province and dim.coupon are the nightly ones.
set -euo pipefail
. ./env.sh
: "${SHOP_SOURCE_CNF:?}" "${SHOP_SOURCE_DB:?}"

mariadb --defaults-file="$SHOP_ADS_CNF" "$SHOP_ADS_DB" <schema.sql
wh-table dim.ad_blacklist - >/dev/null <<END
kind append
comment 'who clicked one ad more than a hundred times a day: their clicks count no more'
END
wh-put dim.ad_blacklist dt=2000-01-01 </dev/null
wh-table dim.rt_user - >/dev/null <<END
kind upsert
key id
order ord
day created
comment 'users as the change feed tells of them'
END
mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.user_info" --columns id,user_level,source,create_time |
	json-map --keep id,user_level,source created=create_time ord="'0'" |
	wh-put dim.rt_user
