/* SPDX-License-Identifier: BSD-2-Clause */
import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.Properties;

/** Cdc PORT DIRECTORY SERVER-ID [NAME=VALUE ...]: Debezium's MariaDB connector, an event a line: {"topic","key","value"}. */
public class Cdc {
	public static void main(String[] arg) throws Exception {
		Properties p = new Properties();
		PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");

		p.put("name", "cdc");
		p.put("connector.class", "io.debezium.connector.mariadb.MariaDbConnector");
		p.put("offset.storage", "org.apache.kafka.connect.storage.FileOffsetBackingStore");
		p.put("offset.storage.file.filename", arg[1] + "/offsets");
		p.put("offset.flush.interval.ms", "1000");
		p.put("schema.history.internal", "io.debezium.storage.file.history.FileSchemaHistory");
		p.put("schema.history.internal.file.filename", arg[1] + "/history");
		p.put("database.hostname", "127.0.0.1");
		p.put("database.port", arg[0]);
		p.put("database.user", "maxwell");
		p.put("database.password", "mx");
		p.put("database.server.id", arg[2]);
		p.put("database.ssl.mode", "disable");
		p.put("database.include.list", "shop");
		p.put("topic.prefix", "dbz");
		p.put("snapshot.mode", "initial");
		p.put("provide.transaction.metadata", "true");
		for (int i = 3; i < arg.length; i++)
			p.put(arg[i].substring(0, arg[i].indexOf('=')), arg[i].substring(arg[i].indexOf('=') + 1));
		DebeziumEngine<ChangeEvent<String, String>> e = DebeziumEngine.create(Json.class).using(p)
		    .notifying(r -> out.println("{\"topic\":\"" + r.destination() + "\",\"key\":" + r.key() + ",\"value\":" + r.value() + "}"))
		    .using((ok, message, error) -> System.err.println("ended: " + message + " " + error)).build();
		e.run();
	}
}
