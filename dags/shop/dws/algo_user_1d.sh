#!/usr/bin/env bash
# dws.algo_user_1d: everything that a user did on the day, for models
set -euo pipefail

{
	wh-cat "dwd.page_view@$DT" | json-map -w 'uid IS NOT NULL' user_id='CAST(uid AS BIGINT)' \
		stay_ms=during_time page=page_id
	wh-cat "dws.trade_user_1d@$DT" | json-map --keep user_id,orders,amount
	wh-cat "dws.user_act_1d@$DT" | json-map --keep user_id,carts,favours,comments
	wh-cat "dwd.payment@$DT" | json-map --keep user_id,paid=total_amount
	wh-cat "dwd.refund@$DT" | json-map --keep user_id,refunded=refund_amount
} |
	window-agg -g user_id 'pages=count(page)' "details=count(* WHERE page = 'good_detail')" 'stay_ms=sum(stay_ms)' \
		'orders=sum(orders)' 'amount=sum(amount)' 'carts=sum(carts)' 'favours=sum(favours)' \
			'comments=sum(comments)' \
		'paid=sum(paid)' 'refunded=sum(refunded)' |
	wh-put dws.algo_user_1d "dt=$DT"
