#!/usr/bin/env bash
# ads.cart: what was put into carts, by how many, and how much of it was ordered
set -euo pipefail

wh-cat "dwd.cart_add@$DT" |
	window-agg --arg day="$DT" 'adds=count()' 'adders=distinct(user_id)' \
		'ordered=count(* WHERE substr(order_time, 1, 10) = :day)' |
	json-map --all cart_to_order='ordered * 1.00 / adds' |
	wh-put ads.cart "dt=$DT"
