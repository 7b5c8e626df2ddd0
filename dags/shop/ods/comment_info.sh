#!/usr/bin/env bash
# ods.comment_info: the rows behind the mark of the night before, each to the day it was made; they never change
set -euo pipefail
. ./env.sh

mysql-extract --defaults-file "$SHOP_SOURCE_CNF" --table "$SHOP_SOURCE_DB.comment_info" --since id |
	wh-put ods.comment_info
