#!/usr/bin/env bash
# the days of keyed tables that were touched, folded: programs that read files by globs see tonight's rows
set -euo pipefail

wh-compact ods.order_info ods.order_detail ods.payment_info ods.order_refund_info ods.refund_payment ods.coupon_use \
	ods.cart_info ods.favor_info ods.user_info
