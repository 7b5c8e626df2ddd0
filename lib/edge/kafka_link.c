/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka_link - see kafka_link.h */
#include "edge/kafka_link.h"

#include "base/clock.h"
#include "base/err.h"

time_t
kafka_link_now(void)
{
	return (time_t)(clock_ms() / 1000) + 1;
}

static void
on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct kafka_link *l = opaque;

	(void)rk;
	switch (err) {
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
	case RD_KAFKA_RESP_ERR__SSL:
		/* where it worked before, a server that restarts is no reason to give up */
		if (!l->up && l->status == 0)
			l->status = err_remote("%s: %s", l->brokers, reason);
		break;
	case RD_KAFKA_RESP_ERR__FATAL:
		if (l->status == 0)
			l->status = err_temp("%s: %s", l->brokers, reason);
		break;
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
		if (l->down == 0 && l->up)
			err_warn("%s: no broker answers: waiting for one", l->brokers);
		if (l->down == 0)
			l->down = kafka_link_now();
		break;
	default:
		break;		/* the library tries again by itself */
	}
}

static void
on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	const struct kafka_link *l = rd_kafka_opaque(rk);

	if (l != NULL && l->debug)
		err_warn("librdkafka: %d %s %s", level, facility, text);
}

void
kafka_link_set(struct kafka_link *l, rd_kafka_conf_t *conf)
{
	rd_kafka_conf_set_opaque(conf, l);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
}

void
kafka_link_alive(struct kafka_link *l)
{
	if (l->down != 0 && l->up)
		err_warn("%s: a broker answers again", l->brokers);
	l->down = 0;
	l->up = true;
}
