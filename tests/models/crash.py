# SPDX-License-Identifier: BSD-2-Clause
"""crash - a disk that forgets what was not synced, in every way it may

    d = Disk(); d.create("pool/a"); d.write("pool/a", rows); d.fsync("pool/a"); d.fsync_dir("pool")
    for after in d.crashes(): ...

A file has what was written and what is durable; so has each name.  fsync makes a file's content durable, fsync_dir the names in
that directory.  A crash keeps any subset of the names that changed since (made, moved, removed, in no order), and of each
content that was not synced nothing, the torn first half, or all: weaker than ext4, xfs or a disk that reorders.  A name
whose directory's own name was lost is lost with it.
"""
import itertools

TORN = "torn"


def parent(path):
    return path.rpartition("/")[0]


class Disk:
    def __init__(self):
        self.data, self.durable_data = {}, {}       # inode -> content (a tuple, or bytes)
        self.names, self.durable_names = {}, {}     # path -> inode
        self.next = 0

    def copy(self):
        d = Disk()
        d.data, d.durable_data = dict(self.data), dict(self.durable_data)
        d.names, d.durable_names, d.next = dict(self.names), dict(self.durable_names), self.next
        return d

    def create(self, path, content=()):
        self.next += 1
        self.data[self.next] = content
        self.durable_data[self.next] = content[:0]
        self.names[path] = self.next

    def mkdir(self, path):
        self.create(path, ())

    def write(self, path, more):
        self.data[self.names[path]] += more

    def fsync(self, path):
        self.durable_data[self.names[path]] = self.data[self.names[path]]

    def fsync_dir(self, path):
        for p in [p for p in self.durable_names if parent(p) == path and p not in self.names]:
            del self.durable_names[p]
        for p, i in self.names.items():
            if parent(p) == path:
                self.durable_names[p] = i

    def link(self, old, new):
        """False when the name is taken."""
        if new in self.names:
            return False
        self.names[new] = self.names[old]
        return True

    def rename(self, old, new):
        self.names[new] = self.names.pop(old)

    def unlink(self, path):
        self.names.pop(path, None)

    def read(self, path):
        i = self.names.get(path)
        return None if i is None else self.data[i]

    def listing(self, directory):
        return sorted(p for p in self.names if parent(p) == directory)

    def key(self):
        """Two disks with one key cannot be told apart, now or after a crash."""
        def side(names, data):
            return tuple(sorted((p, data[i]) for p, i in names.items()))
        return side(self.names, self.data), side(self.durable_names, self.durable_data)

    def crashes(self):
        """Every disk that may be there after a crash now."""
        changed = sorted(p for p in set(self.names) | set(self.durable_names)
                         if self.names.get(p) != self.durable_names.get(p))
        for kept in itertools.product((False, True), repeat=len(changed)):
            names = dict(self.durable_names)
            for p, k in zip(changed, kept):
                if k and p in self.names:
                    names[p] = self.names[p]
                elif k:
                    names.pop(p, None)
            names = reachable(names)
            loose = [i for i in sorted(set(names.values())) if self.data[i] != self.durable_data[i]]
            for how in itertools.product((0, 1, 2), repeat=len(loose)):
                yield self.after(names, dict(zip(loose, how)))

    def after(self, names, how):
        d = Disk()
        d.next = self.next
        for i in set(names.values()):
            old, new = self.durable_data[i], self.data[i]
            if how.get(i) == 2:
                old = new
            elif how.get(i) == 1:
                old = torn(old, new)
            d.data[i] = d.durable_data[i] = old
        d.names, d.durable_names = dict(names), dict(names)
        return d


def torn(old, new):
    half = new[len(old):][:max(0, len(new) - len(old)) // 2]
    return old + half if isinstance(new, bytes) else old + half + (TORN,)


def reachable(names):
    """Names whose directories are there; a directory nobody made is always there."""
    lost = set()
    made = {p for p in names}
    for p in names:
        up = parent(p)
        while up:
            if up in DIRECTORIES and up not in made:
                lost.add(p)
                break
            up = parent(up)
    return {p: i for p, i in names.items() if p not in lost}


DIRECTORIES = set()     # paths that a mkdir in the model makes
