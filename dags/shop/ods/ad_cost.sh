#!/usr/bin/env bash
# ods.ad_cost: what marketing sent tonight
set -euo pipefail
. ./env.sh

json-from-csv "$SHOP_SOURCE/csv/ad_cost-$DT.csv" |
	json-map --all --drop dt |
	wh-put ods.ad_cost "dt=$DT"
