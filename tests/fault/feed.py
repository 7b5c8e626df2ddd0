# SPDX-License-Identifier: BSD-2-Clause
"""feed - what the kill campaign's jobs read, and what must come of it; nothing here has seen a program of ours

    f = Files(directory, rng, records, seconds); f.start(); ...; f.pace.set(); f.join()
    f.ids       {id: ...} of the rows that must be there        f.ends      of those that may be there: they close the windows
    f.windows   {(start, g): (count, cents)}                    f.broken    lines that are no records

Records come with repeats, disorder and broken lines, as long as kills do, and faster once `pace` is set.
"""
import os
import threading

START, STEP, WINDOW = 1767225600000, 40, 10000      # the first time, ms a record, ms a window
JITTER = 2000                                       # ms that a record may come too late; less than half of --late
KEYS = 4000                                         # of the changes


def money(cents):
    return "%s%d.%02d" % ("-" if cents < 0 else "", abs(cents) // 100, abs(cents) % 100)


class Feed(threading.Thread):
    def __init__(self, rng, records, seconds):
        super().__init__(daemon=True)
        self.rng, self.records = rng, records
        self.chunk = max(50, records // 400)
        self.nap = seconds / (records / self.chunk)
        self.ids, self.ends, self.windows, self.broken = {}, set(), {}, 0
        self.pace, self.failed = threading.Event(), None

    def record(self, i):
        # quarters and minus signs: sums that no float keeps by luck
        ts = START + STEP * i - self.rng.randrange(JITTER)
        cents = self.rng.randrange(-99999, 10**9)
        g = "g%d" % self.rng.randrange(20)
        self.ids[i] = (ts // WINDOW * WINDOW, g, cents)
        return ts, '{"id":%d,"ts":%d,"g":"%s","amount":%s}' % (i, ts, g, money(cents))

    def frame(self, records):
        """[(ts, record)] as lines."""
        return [line for _, line in records]

    def lines(self):
        seen, held = [], []
        for i in range(self.records):
            x = self.record(i)
            held.append(x)
            seen = (seen + [x])[-200:]
            if self.rng.random() < .1:
                held.append(self.rng.choice(seen))
            if len(held) >= 3:
                yield from self.frame(held)
                held = []
            if self.rng.random() < .002:
                self.broken += 1
                yield '{"id":%d,"ts":%d,' % (i, START + STEP * i)
            if self.rng.random() < .001:
                yield from self.odd(i)
        yield from self.frame(held)

    def odd(self, i):
        """What a job of this kind drops."""
        return []

    def run(self):
        try:
            self.work()
        except Exception as e:      # the job says it, for it waits for what never comes
            self.failed = e

    def work(self):
        chunk = []
        for line in self.lines():
            chunk.append(line)
            if len(chunk) >= self.chunk:
                self.write(chunk)
                chunk = []
                self.pace.wait(self.nap)
        self.write(chunk)
        self.over()
        for w, g, cents in self.ids.values():
            count, total = self.windows.get((w, g), (0, 0))
            self.windows[w, g] = (count + 1, total + cents)

    def end(self):
        """A record that is far ahead, and further each time."""
        i = self.records + len(self.ends)
        self.ends.add(i)
        ts = START + 10**9 + WINDOW * len(self.ends)
        return self.frame([(ts, '{"id":%d,"ts":%d,"g":"end","amount":0.00}' % (i, ts))])


class Files(Feed):
    """A growing log that is rotated; lines come in two pieces."""

    def __init__(self, where, rng, records, seconds):
        super().__init__(rng, records, seconds)
        self.where, self.n, self.part = where, 0, None
        self.turn()

    def turn(self):
        if self.part:
            self.part.close()
        self.part = open(os.path.join(self.where, "a%d.log" % self.n), "a", encoding="ascii")
        self.n += 1

    def write(self, lines):
        text = "".join(x + "\n" for x in lines)
        at = self.rng.randrange(len(text) + 1)          # torn anywhere, also in the middle of a record
        self.part.write(text[:at])
        self.part.flush()
        self.part.write(text[at:])
        self.part.flush()
        if self.rng.random() < 20 * self.chunk / self.records:
            self.turn()

    def over(self):
        pass

    def close_windows(self):
        """Ends all windows but its own, once the other files are idle."""
        self.write(self.end())


class Packed(Files):
    """Some records in each line."""

    def frame(self, records):
        return ['{"ts":%d,"m":[%s]}' % (max(ts for ts, _ in records), ",".join(line for _, line in records))] if records else []


class Topic(Feed):
    """Three partitions of a topic; null values between."""

    def __init__(self, producer, name, rng, records, seconds):
        super().__init__(rng, records, seconds)
        self.producer, self.name, self.turn = producer, name, 0
        # the topic is there, with all its partitions, before anybody reads it
        for p in range(3):
            producer.send(name, p, None)
        producer.flush(170)

    def odd(self, i):
        return ['{"id":null,"ts":%d,"g":"g1","amount":1}' % (START + STEP * i)]

    def write(self, lines):
        self.turn += 1
        for line in lines:
            self.producer.send(self.name, self.turn % 3, line.encode())
        if self.rng.random() < .1:
            self.producer.send(self.name, self.turn % 3, None)

    def over(self):
        self.producer.flush(170)

    def close_windows(self):
        for p in range(3):
            for line in self.end():
                self.producer.send(self.name, p, line.encode())
        self.producer.flush(170)


class Plain(Topic):
    """Records that tell where they are; each is wanted once, repeats too: they are messages of their own."""

    def lines(self):
        for i in range(self.records):
            yield self.record(i)[1]

    def wanted(self):
        return {(p, o) for t, p, o, v in self.producer.sent if t == self.name and v}


class Changes(Topic):
    """A change feed of one table; parts of it are told again, and what is newer is not told behind them."""

    def __init__(self, producer, name, rng, records, seconds):
        self.state, self.place, self.told = {}, 4, [[], [], []]
        super().__init__(producer, name, rng, records, seconds)

    def change(self, key):
        old, new = self.state.get(key), ("g%d" % self.rng.randrange(20), self.rng.randrange(-99999, 10**9))
        what = "insert" if old is None else "delete" if self.rng.random() < .2 else "update"
        row = lambda v: '{"id":%d,"g":"%s","amount":%s}' % (key, v[0], money(v[1]))
        self.place += 100
        if what == "delete":
            del self.state[key]
        else:
            self.state[key] = new
        return '{"database":"shop","table":"t","type":"%s","ts":%d,"xid":%d,"xoffset":0,"position":"bin.000001:%d","primary_key_columns":["id"],"data":%s%s}' % (
            what, START // 1000 + self.place // 1000, self.place, self.place, row(old if what == "delete" else new),
            ',"old":{"g":"%s","amount":%s}' % (old[0], money(old[1])) if what == "update" else "")

    def lines(self):
        for _ in range(self.records):
            key = self.rng.randrange(KEYS)
            told = self.told[key % 3] = self.told[key % 3][-99:]
            told.append((key % 3, self.change(key)))
            yield told[-1]
            if self.rng.random() < .002:
                yield from told[self.rng.randrange(len(told)):][:self.rng.randrange(100)]
            if self.rng.random() < .002:
                self.broken += 1
                yield key % 3, '{"database":"shop","table":"t",'

    def write(self, lines):
        for p, line in lines:
            self.producer.send(self.name, p, line.encode())

    def over(self):
        for key in range(KEYS, KEYS + 3):
            self.producer.send(self.name, key % 3, self.change(key).encode())
        super().over()

    def close_windows(self):
        pass
