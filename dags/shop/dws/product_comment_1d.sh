#!/usr/bin/env bash
# dws.product_comment_1d: what was said of each product
set -euo pipefail

wh-cat "dwd.comment@$DT" |
	window-agg -g sku_id,appraise,appraise_name 'comments=count()' 'users=distinct(user_id)' |
	wh-put dws.product_comment_1d "dt=$DT"
