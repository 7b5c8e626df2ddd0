#!/usr/bin/env bash
# ods.payment_info: the changes that came tonight, each row to the day it was made; the newest of a key counts
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table payment_info |
	cdc-merge -k id --deletes mark --ord ord |
	wh-put ods.payment_info
