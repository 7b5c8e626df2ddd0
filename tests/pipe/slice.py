# SPDX-License-Identifier: BSD-2-Clause
"""A slice of the shop's night: the real recipes behind a few metrics, in a dag of their own that runs in seconds.

    dag = slice.cut(directory, ["load_trade", "dim_user_zip"])      # directory/dags/slice.dag, the folders beside it
    nodes = slice.nodes(dag)                                        # names, in the order of the file

A node is in it when something asked for stands below it.  Of the nodes that land sources only those are in it whose tables the others read: their
node is named like the table.  Retries wait for milliseconds here.
"""
import os
import re

from shop import DAG, TOP

SHOP = os.path.join(TOP, "dags", "shop")


def parse(path):
    """name -> (words behind it, its shell with the scripts that it calls)."""
    out, name = {}, None
    with open(path) as f:
        for line in f:
            if line[0] == "\t":
                out[name][1].append(line.strip())
            elif line[0] not in "# \n":
                name, words = line.split(":", 1)
                out[name] = (words.split(), [])
    return {k: (words, "\n".join(text)) for k, (words, text) in out.items()}


def text_of(shell):
    """A node's shell and all that it calls, whatever it is that calls it."""
    seen, todo, text = set(), [shell], ""
    while todo:
        part = todo.pop()
        text += part + "\n"
        for name in set(re.findall(r"[a-z_]+/[a-z0-9_]+\.(?:sh|env)|[a-z_]+\.(?:sh|env)", part)) - seen:
            seen.add(name)
            path = os.path.join(SHOP, name)
            if os.path.isfile(path):
                with open(path) as f:
                    todo.append("\n".join(line for line in f.read().splitlines() if not line.lstrip().startswith("#")))
    return text


def waits(words):
    return [w[:-3] if w.endswith("@-1") else w for w in words if "=" not in w]


def cut(where, ends):
    graph, keep, todo = parse(DAG), set(), list(ends)
    landing = set(waits(graph["landed"][0]))
    while todo:
        name = todo.pop()
        if name in keep or name in landing:
            continue
        keep.add(name)
        todo += waits(graph[name][0]) if name != "landed" else []
    text = "\n".join(text_of(graph[name][1]) for name in keep)
    todo = [name for name in landing if re.search(r"\b%s\b" % re.escape(name.replace("_", ".", 1)), text)]
    read = set(todo)
    while todo:
        name = todo.pop()
        if name not in keep:
            keep.add(name)
            todo += waits(graph[name][0])
    os.makedirs(os.path.join(where, "dags"))
    for name in os.listdir(SHOP):
        if not name.endswith(".dag"):
            os.symlink(os.path.join(SHOP, name), os.path.join(where, "dags", name))
    path = os.path.join(where, "dags", "slice.dag")
    with open(path, "w") as f:
        for name, (words, shell) in graph.items():
            if name not in keep:
                continue
            if name == "landed":
                words = [w for w in words if w in read]
            words = [re.sub(r"^delay=.*", "delay=20ms", w) for w in words]
            f.write("%s: %s\n\t%s\n\n" % (name, " ".join(words), shell.replace("\n", "\n\t")))
    return path


def nodes(path):
    return list(parse(path))
