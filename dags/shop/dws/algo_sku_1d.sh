#!/usr/bin/env bash
# dws.algo_sku_1d: everything that was done with a product on sale, for models
set -euo pipefail

{
	wh-cat "dws.product_sku_1d@$DT" | json-map --keep sku_id,amount,items,orders,refund_orders,refund_amount
	wh-cat "dwd.cart_add@$DT" | json-map --keep sku_id,cart=id
	wh-cat "dwd.favour@$DT" | json-map -w 'added' --keep sku_id,favour=id
	wh-cat "dwd.comment@$DT" | json-map --keep sku_id,comment=id,appraise
} |
	window-agg -g sku_id 'orders=sum(orders)' 'items=sum(items)' 'amount=sum(amount)' \
		'refund_orders=sum(refund_orders)' \
		'refund_amount=sum(refund_amount)' 'carts=count(cart)' 'favours=count(favour)' \
			'comments=count(comment)' \
		"good=count(* WHERE appraise = '1201')" "bad=count(* WHERE appraise = '1203')" |
	dimjoin -k sku_id -K id --fields sku_name,spu_id,tm_id,category3_id,price,is_sale "wh:dim.sku@$DT" |
	json-map -w 'is_sale = 1' |
	wh-put dws.algo_sku_1d "dt=$DT"
