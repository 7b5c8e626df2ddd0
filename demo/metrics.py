#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""metrics.py list | views DAY | sql METRIC DAY - what docs/METRICS.md says, for programs

`list` prints a line a metric: name, table, keys, fields.  `views` and `sql` print SQL for MariaDB; the first sets up what the second reads, from tables
ods_TABLE (dt, op, ord, j).  As a module:

    for m in metrics.read(): m.name, m.family, m.table, m.keys, m.fields, m.words, m.sql(day)
    metrics.views(day), metrics.SETUP, metrics.ods_tables()
"""
import os
import re
import sys

DOC = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "METRICS.md")

# What the SQL needs once in a database: the one NULL of the rules, and the zone of the days.
SETUP = r"""SET GLOBAL log_bin_trust_function_creators = 1;
CREATE FUNCTION clean(x LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin) RETURNS LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DETERMINISTIC NO SQL
RETURN NULLIF(NULLIF(NULLIF(NULLIF(TRIM(x), ''), 'null'), 'NULL'), '\\N');
"""
ODS = "CREATE TABLE IF NOT EXISTS ods_%s (dt CHAR(10), op CHAR(1) DEFAULT 'r', ord VARBINARY(80), j LONGTEXT, KEY (dt));"

def quoted(day):
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        raise ValueError("not a day: " + day)
    return "'%s'" % day

class Metric:
    def __init__(self, family, name, head, words, sql):
        table, by, fields = re.fullmatch(r"`(\w+)`(?: by ([^:]*))?: (.*)", head).groups()
        self.family, self.name, self.table, self.words, self.text = family, name, table, words.strip(), sql
        self.keys, self.fields = re.findall(r"`(\w+)`", by or ""), re.findall(r"`(\w+)`", fields)

    def sql(self, day):
        return self.text.replace(":D", quoted(day))

    def loaded(self, day):
        """The query that reads the metric back from its ads table."""
        names = ", ".join("`%s`" % c for c in self.keys + self.fields)
        return "SELECT %s FROM %s WHERE dt = %s" % (names, self.table, quoted(day))

def document():
    with open(DOC, encoding="utf-8") as f:
        return f.read()

def views(day):
    return re.search(r"## Views\n.*?```sql\n(.*?)```", document(), re.S).group(1).replace(":D", quoted(day))

def ods_tables():
    """The ods tables that the SQL reads, by name."""
    return sorted(set(re.findall(r"\bods_(\w+)", "\n".join(re.findall(r"```sql\n(.*?)```", document(), re.S)))))

def read():
    out, family = [], None
    for part in re.split(r"^(?=##)", document(), flags=re.M):
        m = re.match(r"## \d (.*)\n", part)
        if m:
            family = m.group(1).lower()
        m = re.fullmatch(r"### (\w+)\n(.*?)\n\n(.*?)```sql\n(.*?)```\s*", part, re.S)
        if m:
            out.append(Metric(family, *m.groups()))
    return out

def main(argv):
    if argv[1:] == ["list"]:
        for m in read():
            print("\t".join((m.name, m.table, ",".join(m.keys), ",".join(m.fields))))
    elif len(argv) == 3 and argv[1] == "views":
        print(views(argv[2]), end="")
    elif len(argv) == 4 and argv[1] == "sql":
        print("\n".join(m.sql(argv[3]) for m in read() if m.name == argv[2]), end="")
    else:
        sys.exit(__doc__.splitlines()[0])

if __name__ == "__main__":
    main(sys.argv)
