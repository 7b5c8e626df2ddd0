#!/usr/bin/env bash
# ods.channel_cost: what marketing sent tonight
set -euo pipefail
. ./env.sh

json-from-csv "$SHOP_SOURCE/csv/channel_cost-$DT.csv" |
	json-map --all --drop dt |
	wh-put ods.channel_cost "dt=$DT"
