/* SPDX-License-Identifier: BSD-2-Clause */
import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONWriter;
import com.alibaba.otter.canal.connector.core.producer.MQMessageUtils;
import com.alibaba.otter.canal.instance.manager.CanalInstanceWithManager;
import com.alibaba.otter.canal.instance.manager.model.Canal;
import com.alibaba.otter.canal.instance.manager.model.CanalParameter;
import com.alibaba.otter.canal.protocol.ClientIdentity;
import com.alibaba.otter.canal.protocol.FlatMessage;
import com.alibaba.otter.canal.protocol.Message;
import com.alibaba.otter.canal.server.embedded.CanalServerWithEmbedded;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** CanalOut PORT: a Canal server in this process; what it would send to Kafka as flat messages, one a line. */
public class CanalOut {
	public static void main(String[] arg) throws Exception {
		final String filter = "shop\\..*";
		CanalParameter p = new CanalParameter();
		Canal c = new Canal();
		CanalServerWithEmbedded s = CanalServerWithEmbedded.instance();
		ClientIdentity id = new ClientIdentity("feed", (short)1001, filter);
		PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
		ThreadPoolExecutor one = (ThreadPoolExecutor)Executors.newFixedThreadPool(1);

		p.setSourcingType(CanalParameter.SourcingType.MYSQL);
		p.setSlaveId(7777L);
		p.setDbAddresses(Collections.singletonList(new InetSocketAddress("127.0.0.1", Integer.parseInt(arg[0]))));
		p.setDbUsername("maxwell");
		p.setDbPassword("mx");
		p.setDefaultDatabaseName("shop");
		p.setMetaMode(CanalParameter.MetaMode.MEMORY);
		p.setIndexMode(CanalParameter.IndexMode.MEMORY);
		p.setStorageMode(CanalParameter.StorageMode.MEMORY);
		p.setMemoryStorageBufferSize(32 * 1024);
		p.setHaMode(CanalParameter.HAMode.HEARTBEAT);
		p.setDetectingEnable(false);
		p.setConnectionCharset("UTF-8");
		p.setConnectionCharsetNumber((byte)33);
		p.setTsdbEnable(false);
		p.setParallel(false);
		p.setGtidEnable(false);
		c.setId(1L);
		c.setName("feed");
		c.setCanalParameter(p);
		s.setCanalInstanceGenerator(destination -> new CanalInstanceWithManager(c, filter));
		s.start();
		s.start("feed");
		s.subscribe(id);
		for (;;) {
			Message m = s.getWithoutAck(id, 100, 100L, TimeUnit.MILLISECONDS);
			if (m.getId() == -1) {
				s.rollback(id);
				continue;
			}
			List<FlatMessage> flat = MQMessageUtils.messageConverter(MQMessageUtils.buildMessageData(m, one), m.getId());
			if (flat != null)
				for (FlatMessage f : flat)
					out.println(JSON.toJSONString(f, JSONWriter.Feature.WriteNulls));
			s.ack(id, m.getId());
		}
	}
}
