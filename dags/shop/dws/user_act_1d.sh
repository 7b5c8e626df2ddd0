#!/usr/bin/env bash
# dws.user_act_1d: carts, favourites and comments of each user
set -euo pipefail

{
	wh-cat "dwd.cart_add@$DT" | json-map --keep user_id,cart=id,ordered=is_ordered
	wh-cat "dwd.favour@$DT" | json-map --keep user_id,favour=added,cancelled
	wh-cat "dwd.comment@$DT" | json-map --keep user_id,comment=id
} |
	window-agg -g user_id 'carts=count(cart)' 'ordered=count(* WHERE ordered = 1)' 'favours=count(* WHERE favour)' \
		'cancelled=count(* WHERE cancelled)' 'comments=count(comment)' |
	wh-put dws.user_act_1d "dt=$DT"
