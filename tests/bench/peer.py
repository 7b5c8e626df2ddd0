#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""peer.py duckdb|chdb|polars QUERY - one query of an engine that lives in Python, NDJSON to the standard output, two threads

A QUERY of duckdb and chdb is a SELECT; of polars an expression in `pl` and `scan(FILE, **schema)` that gives a LazyFrame.
duckdb gives up the order of its input, which nobody asks it for: it is a third faster then.
"""
import os
import sys


def duckdb(query):
    import duckdb as d
    c = d.connect()
    c.execute("SET threads=2; SET enable_progress_bar=false; SET preserve_insertion_order=false")
    c.execute("COPY (" + query + ") TO '/proc/self/fd/1' (FORMAT json, USE_TMP_FILE false)")


def duckdb_text(query):
    """A column of text as it is, a line for each row."""
    import duckdb as d
    c = d.connect()
    c.execute("SET threads=2; SET enable_progress_bar=false; SET preserve_insertion_order=false")
    c.execute("COPY (" + query + ") TO '/proc/self/fd/1' (FORMAT csv, USE_TMP_FILE false, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')")


def chdb(query):
    import chdb as c
    c.query("INSERT INTO FUNCTION file('/proc/self/fd/1', 'JSONEachRow') " + query + " SETTINGS max_threads=2, join_use_nulls=1")


def chdb_text(query):
    import chdb as c
    c.query("INSERT INTO FUNCTION file('/proc/self/fd/1', 'TSVRaw') " + query + " SETTINGS max_threads=2, join_use_nulls=1")


def polars(query):
    os.environ["POLARS_MAX_THREADS"] = "2"
    import polars as pl

    def scan(path, **schema):
        return pl.scan_ndjson(path, schema=schema)

    eval(query, {"pl": pl, "scan": scan}).sink_ndjson("/proc/self/fd/1", engine="streaming")


globals()[sys.argv[1]](sys.argv[2])
