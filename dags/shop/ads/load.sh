#!/usr/bin/env bash
# load.sh TABLE KEYS: the day of an ads table into MySQL, replaced in one transaction
set -euo pipefail
. ./env.sh

mysql-load --defaults-file "$SHOP_ADS_CNF" --table "$SHOP_ADS_DB.ads_$1" -k "$2" --partition "dt=$DT" "wh:ads.$1@$DT"
