# SPDX-License-Identifier: BSD-2-Clause
"""kafka - librdkafka for the tests, by ctypes: a producer, transactions, a reader, and a mock cluster in this process

    with Mock({"orders": 3}) as m:
        p = Producer(m.brokers)
        p.send("orders", 0, b'{"n":1}'); p.send("orders", 0, None); p.flush()      # p.sent: [(topic, partition, offset, value)]
"""
import ctypes as C

lib = C.CDLL("librdkafka.so.1")
P = C.c_void_p


class Message(C.Structure):
    _fields_ = [("err", C.c_int), ("rkt", P), ("partition", C.c_int32), ("payload", P), ("len", C.c_size_t), ("key", P), ("key_len", C.c_size_t),
                ("offset", C.c_int64), ("private", P)]


DELIVERED = C.CFUNCTYPE(None, P, C.POINTER(Message), P)
QUIET = C.CFUNCTYPE(None, P, C.c_int, C.c_char_p, C.c_char_p)(lambda *a: None)
for f, restype, argtypes in (
        ("conf_new", P, []), ("conf_set", C.c_int, [P, C.c_char_p, C.c_char_p, C.c_char_p, C.c_size_t]), ("conf_set_dr_msg_cb", None, [P, DELIVERED]),
        ("conf_set_log_cb", None, [P, P]), ("new", P, [C.c_int, P, C.c_char_p, C.c_size_t]), ("destroy", None, [P]), ("poll", C.c_int, [P, C.c_int]),
        ("flush", C.c_int, [P, C.c_int]), ("topic_name", C.c_char_p, [P]), ("err2str", C.c_char_p, [C.c_int]),
        ("init_transactions", P, [P, C.c_int]), ("begin_transaction", P, [P]), ("commit_transaction", P, [P, C.c_int]), ("abort_transaction", P, [P, C.c_int]),
        ("error_string", C.c_char_p, [P]), ("mock_cluster_new", P, [P, C.c_int]), ("mock_cluster_destroy", None, [P]),
        ("mock_cluster_bootstraps", C.c_char_p, [P]), ("mock_topic_create", C.c_int, [P, C.c_char_p, C.c_int, C.c_int]),
        ("mock_topic_set_error", None, [P, C.c_char_p, C.c_int]),
        ("queue_new", P, [P]), ("queue_destroy", None, [P]), ("queue_poll", P, [P, C.c_int]), ("event_destroy", None, [P]),
        ("event_error", C.c_int, [P]), ("topic_partition_list_new", P, [C.c_int]), ("topic_partition_list_destroy", None, [P]),
        ("topic_partition_list_set_offset", C.c_int, [P, C.c_char_p, C.c_int32, C.c_int64]),
        ("topic_partition_list_add", P, [P, C.c_char_p, C.c_int32]), ("DeleteRecords_new", P, [P]), ("DeleteRecords_destroy", None, [P]),
        ("DeleteRecords", None, [P, C.POINTER(P), C.c_size_t, P, P]), ("DeleteTopic_new", P, [C.c_char_p]), ("DeleteTopic_destroy", None, [P]),
        ("DeleteTopics", None, [P, C.POINTER(P), C.c_size_t, P, P]),
        ("NewPartitions_new", P, [C.c_char_p, C.c_size_t, P, C.c_size_t]), ("NewPartitions_destroy", None, [P]),
        ("NewTopic_new", P, [C.c_char_p, C.c_int, C.c_int, P, C.c_size_t]), ("NewTopic_destroy", None, [P]),
        ("CreateTopics", None, [P, C.POINTER(P), C.c_size_t, P, P]), ("CreatePartitions", None, [P, C.POINTER(P), C.c_size_t, P, P]),
        ("topic_new", P, [P, C.c_char_p, P]), ("topic_destroy", None, [P]), ("consume_start", C.c_int, [P, C.c_int32, C.c_int64]),
        ("consume_stop", C.c_int, [P, C.c_int32]), ("consume", C.POINTER(Message), [P, C.c_int32, C.c_int]),
        ("message_destroy", None, [C.POINTER(Message)]), ("message_timestamp", C.c_int64, [C.POINTER(Message), P]),
        ("message_headers", C.c_int, [C.POINTER(Message), C.POINTER(P)]),
        ("header_get_all", C.c_int, [P, C.c_size_t, C.POINTER(C.c_char_p), C.POINTER(P), C.POINTER(C.c_size_t)]),
        ("committed", C.c_int, [P, P, C.c_int]), ("subscribe", C.c_int, [P, P]), ("assignment", C.c_int, [P, C.POINTER(P)]),
        ("consumer_poll", C.POINTER(Message), [P, C.c_int]), ("consumer_close", C.c_int, [P]), ("poll_set_consumer", C.c_int, [P]),
        ("mock_push_request_errors_array", None, [P, C.c_int16, C.c_size_t, C.POINTER(C.c_int)]),
        ("mock_broker_set_down", C.c_int, [P, C.c_int32]), ("mock_broker_set_up", C.c_int, [P, C.c_int32])):
    getattr(lib, "rd_kafka_" + f).restype = restype
    getattr(lib, "rd_kafka_" + f).argtypes = argtypes
lib.rd_kafka_producev.restype = C.c_int
END, TOPIC, PARTITION, VALUE, KEY, FLAGS, TIME, HEADER = 0, 1, 3, 4, 5, 7, 8, 9
COPY, BLOCK = 2, 4


class Producer:
    """Messages to chosen partitions; sent says what the broker gave each, in the order of the acknowledgements."""

    def __init__(self, brokers, **settings):
        self.sent, self.failed, why = [], [], C.create_string_buffer(500)
        self.delivered = DELIVERED(self._delivered)
        conf = lib.rd_kafka_conf_new()
        for k, v in dict({"bootstrap.servers": brokers, "linger.ms": "5", "enable.idempotence": "true",
                          "topic.metadata.propagation.max.ms": "120000"}, **settings).items():
            if lib.rd_kafka_conf_set(conf, k.replace("_", ".").encode(), str(v).encode(), why, 500):
                raise ValueError(why.value.decode())
        lib.rd_kafka_conf_set_dr_msg_cb(conf, self.delivered)
        lib.rd_kafka_conf_set_log_cb(conf, C.cast(QUIET, P))
        self.rk = lib.rd_kafka_new(0, conf, why, 500)
        if not self.rk:
            raise ValueError(why.value.decode())

    def _delivered(self, rk, m, opaque):
        m = m.contents
        if m.err:
            self.failed.append(lib.rd_kafka_err2str(m.err).decode())
            return
        value = None if not m.payload else C.string_at(m.payload, m.len)
        self.sent.append((lib.rd_kafka_topic_name(m.rkt).decode(), m.partition, m.offset, value))

    def send(self, topic, partition, value, key=None, ms=0, headers=()):
        size, more = C.c_size_t, []
        for name, v in headers:
            more += [C.c_int(HEADER), C.c_char_p(name), C.c_char_p(v) if v is not None else P(None), C.c_ssize_t(len(v or b""))]
        data = C.c_char_p(value) if value is not None else C.c_void_p(None)
        err = lib.rd_kafka_producev(
            P(self.rk), C.c_int(TOPIC), C.c_char_p(topic.encode()), C.c_int(PARTITION), C.c_int32(partition), C.c_int(VALUE), data,
            size(len(value or b"")), C.c_int(KEY), C.c_char_p(key) if key is not None else P(None), size(len(key or b"")), C.c_int(FLAGS),
            C.c_int(COPY | BLOCK), C.c_int(TIME), C.c_int64(ms), *more, C.c_int(END))
        if err:
            raise RuntimeError(lib.rd_kafka_err2str(err).decode())
        lib.rd_kafka_poll(self.rk, 0)

    def flush(self, seconds=120):
        err = lib.rd_kafka_flush(self.rk, int(seconds * 1000))
        if err or self.failed:
            raise RuntimeError(str(self.failed[:3] or lib.rd_kafka_err2str(err)))

    def transaction(self, what, *timeout):
        """init (once), begin, commit, abort"""
        e = getattr(lib, "rd_kafka_%s_transaction%s" % (what, "s" if what == "init" else ""))(self.rk, *timeout)
        if e:
            raise RuntimeError(lib.rd_kafka_error_string(e).decode())

    def _ask(self, call, item):
        queue = lib.rd_kafka_queue_new(self.rk)
        call(self.rk, (P * 1)(item), 1, None, queue)
        event = lib.rd_kafka_queue_poll(queue, 30000)
        err = lib.rd_kafka_event_error(event) if event else -185
        if event:
            lib.rd_kafka_event_destroy(event)
        lib.rd_kafka_queue_destroy(queue)
        if err:
            raise RuntimeError(lib.rd_kafka_err2str(err).decode())

    def delete_before(self, topic, partition, offset):
        """What retention does: the messages before that offset go."""
        these = lib.rd_kafka_topic_partition_list_new(1)
        lib.rd_kafka_topic_partition_list_add(these, topic.encode(), partition)
        lib.rd_kafka_topic_partition_list_set_offset(these, topic.encode(), partition, offset)
        item = lib.rd_kafka_DeleteRecords_new(these)
        self._ask(lib.rd_kafka_DeleteRecords, item)
        lib.rd_kafka_DeleteRecords_destroy(item)
        lib.rd_kafka_topic_partition_list_destroy(these)

    def delete_topic(self, topic):
        item = lib.rd_kafka_DeleteTopic_new(topic.encode())
        self._ask(lib.rd_kafka_DeleteTopics, item)
        lib.rd_kafka_DeleteTopic_destroy(item)

    def make(self, topic, partitions):
        """A topic, empty."""
        why = C.create_string_buffer(500)
        item = lib.rd_kafka_NewTopic_new(topic.encode(), partitions, 1, why, 500)
        self._ask(lib.rd_kafka_CreateTopics, item)
        lib.rd_kafka_NewTopic_destroy(item)

    def grow(self, topic, partitions):
        """The topic gets that many; a producer of before knows only the old ones."""
        why = C.create_string_buffer(500)
        item = lib.rd_kafka_NewPartitions_new(topic.encode(), partitions, why, 500)
        self._ask(lib.rd_kafka_CreatePartitions, item)
        lib.rd_kafka_NewPartitions_destroy(item)

    def close(self):
        lib.rd_kafka_destroy(self.rk)


class Place(C.Structure):
    _fields_ = [("topic", C.c_char_p), ("partition", C.c_int32), ("offset", C.c_int64), ("metadata", P), ("metadata_size", C.c_size_t),
                ("opaque", P), ("err", C.c_int), ("private", P)]


class Places(C.Structure):
    _fields_ = [("cnt", C.c_int), ("size", C.c_int), ("elems", C.POINTER(Place))]


def committed(brokers, group, topic, partitions):
    """The offsets that the brokers keep for a group, one a partition; below 0: none."""
    why, conf = C.create_string_buffer(500), lib.rd_kafka_conf_new()
    lib.rd_kafka_conf_set_log_cb(conf, C.cast(QUIET, P))
    for k, v in (("bootstrap.servers", brokers), ("group.id", group)):
        lib.rd_kafka_conf_set(conf, k.encode(), v.encode(), why, 500)
    rk = lib.rd_kafka_new(1, conf, why, 500)
    these = lib.rd_kafka_topic_partition_list_new(partitions)
    for p in range(partitions):
        lib.rd_kafka_topic_partition_list_add(these, topic.encode(), p)
    err = lib.rd_kafka_committed(rk, these, 30000)
    found = C.cast(these, C.POINTER(Places)).contents
    offsets = [found.elems[i].offset for i in range(found.cnt)]
    lib.rd_kafka_topic_partition_list_destroy(these)
    lib.rd_kafka_destroy(rk)
    if err:
        raise RuntimeError(lib.rd_kafka_err2str(err).decode())
    return offsets


class Member:
    """One of a group that reads and forgets: held() says how many partitions it has; settings as librdkafka's, _ for a dot."""

    def __init__(self, brokers, group, topic, **settings):
        why, conf = C.create_string_buffer(500), lib.rd_kafka_conf_new()
        lib.rd_kafka_conf_set_log_cb(conf, C.cast(QUIET, P))
        for k, v in dict({"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": "false"}, **settings).items():
            if lib.rd_kafka_conf_set(conf, k.replace("_", ".").encode(), str(v).encode(), why, 500):
                raise ValueError(why.value.decode())
        self.rk = lib.rd_kafka_new(1, conf, why, 500)
        lib.rd_kafka_poll_set_consumer(self.rk)
        these = lib.rd_kafka_topic_partition_list_new(1)
        lib.rd_kafka_topic_partition_list_add(these, topic.encode(), -1)
        lib.rd_kafka_subscribe(self.rk, these)
        lib.rd_kafka_topic_partition_list_destroy(these)

    def held(self):
        m, these = lib.rd_kafka_consumer_poll(self.rk, 50), P()
        if m:
            lib.rd_kafka_message_destroy(m)
        lib.rd_kafka_assignment(self.rk, C.byref(these))
        n = C.cast(these, C.POINTER(Places)).contents.cnt
        lib.rd_kafka_topic_partition_list_destroy(these)
        return n

    def close(self):
        lib.rd_kafka_consumer_close(self.rk)
        lib.rd_kafka_destroy(self.rk)


class Read:
    """All messages of a topic: (partition, offset, key, value, time, {header: value}), in the order of each partition."""

    def __init__(self, brokers, topic, partitions):
        why, conf, self.all = C.create_string_buffer(500), lib.rd_kafka_conf_new(), []
        lib.rd_kafka_conf_set_log_cb(conf, C.cast(QUIET, P))
        for k, v in (("bootstrap.servers", brokers), ("group.id", "reader"), ("enable.partition.eof", "true"), ("check.crcs", "true"),
                     ("fetch.wait.max.ms", "20")):
            if lib.rd_kafka_conf_set(conf, k.encode(), v.encode(), why, 500):
                raise ValueError(why.value.decode())
        rk = lib.rd_kafka_new(1, conf, why, 500)
        rkt = lib.rd_kafka_topic_new(rk, topic.encode(), None)
        for p in range(partitions):     # all at once: each begins with a second of waiting
            lib.rd_kafka_consume_start(rkt, p, -2)
        for p in range(partitions):
            self._partition(rkt, p)
        lib.rd_kafka_topic_destroy(rkt)
        lib.rd_kafka_destroy(rk)

    def _partition(self, rkt, p):
        while True:
            m = lib.rd_kafka_consume(rkt, p, 30000)
            if not m:
                raise RuntimeError("no end of partition %d" % p)
            err = m.contents.err
            if not err:
                self.all.append((p, m.contents.offset, self._bytes(m.contents.key, m.contents.key_len),
                                 self._bytes(m.contents.payload, m.contents.len), lib.rd_kafka_message_timestamp(m, None), self._headers(m)))
            lib.rd_kafka_message_destroy(m)
            if err == -191:     # the end
                break
            if err:
                raise RuntimeError(lib.rd_kafka_err2str(err).decode())
        lib.rd_kafka_consume_stop(rkt, p)

    @staticmethod
    def _bytes(p, n):
        return None if not p else C.string_at(p, n)

    def _headers(self, m):
        h, name, value, size, found = P(), C.c_char_p(), P(), C.c_size_t(), {}
        if lib.rd_kafka_message_headers(m, C.byref(h)):
            return found
        while not lib.rd_kafka_header_get_all(h, len(found), C.byref(name), C.byref(value), C.byref(size)):
            found[name.value.decode()] = self._bytes(value.value, size.value)
        return found


class Mock:
    """A cluster of one broker that lives as long as this object; topics: {name: partitions}."""

    def __init__(self, topics):
        why, conf = C.create_string_buffer(500), lib.rd_kafka_conf_new()
        lib.rd_kafka_conf_set_log_cb(conf, C.cast(QUIET, P))
        self.rk = lib.rd_kafka_new(0, conf, why, 500)
        self.cluster = lib.rd_kafka_mock_cluster_new(self.rk, 1)
        self.brokers = lib.rd_kafka_mock_cluster_bootstraps(self.cluster).decode()
        for name, partitions in topics.items():
            if lib.rd_kafka_mock_topic_create(self.cluster, name.encode(), partitions, 1):
                raise RuntimeError("topic " + name)

    def refuse(self, *errors):
        """What the next requests to produce are answered."""
        lib.rd_kafka_mock_push_request_errors_array(self.cluster, 0, len(errors), (C.c_int * len(errors))(*errors))

    def deny(self, topic, error):
        """What a question about the topic is answered from now on."""
        lib.rd_kafka_mock_topic_set_error(self.cluster, topic.encode(), error)

    def down(self):
        lib.rd_kafka_mock_broker_set_down(self.cluster, 1)

    def up(self):
        lib.rd_kafka_mock_broker_set_up(self.cluster, 1)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        lib.rd_kafka_mock_cluster_destroy(self.cluster)
        lib.rd_kafka_destroy(self.rk)
