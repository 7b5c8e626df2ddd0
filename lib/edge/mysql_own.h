/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_own - what the files of lib/edge that talk to MySQL share (for them alone)
 *
 *	if (conf_read(path, &c) != 0) ...
 *	if (mysql_real_query(db->my, sql.p, sql.n) != 0) db_note(db);
 *
 * Invariants: db->error holds the last failure; db->fault says what it means.
 */
#ifndef EDGE_MYSQL_OWN_H
#define EDGE_MYSQL_OWN_H

#include <mariadb/mysql.h>

#include "edge/mysql.h"

struct db_conf {
	char *host, *user, *password, *database, *socket, *ssl_ca, *ssl_capath, *ssl_cert, *ssl_key;
	unsigned port;
	bool ssl;
};

struct db {
	MYSQL *my;
	MYSQL_RES *res;
	struct db_conf conf;
	unsigned flags, width, sessions;	/* sessions: how many there were */
	size_t packet;
	enum db_fault fault;
	char error[600];
};

/*
 * Read the groups [client], [client-mariadb] and [pipehouse] of an option file of mode 0600. 0 or a
 * status after a message.
 */
int conf_read(const char *path, struct db_conf *);
void conf_free(struct db_conf *);
/* Take the last error of the connection over; true when there was one. */
bool db_note(struct db *);

#endif
