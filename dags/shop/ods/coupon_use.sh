#!/usr/bin/env bash
# ods.coupon_use: the changes that came tonight, each row to the day it was made; the newest of a key counts
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table coupon_use |
	cdc-merge -k id --deletes mark --ord ord |
	wh-put ods.coupon_use
