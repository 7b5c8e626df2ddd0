#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""JSONTestSuite (github.com/nst/JSONTestSuite) through every kernel of the scanner; TAP on stdout.

JSON_TEST_SUITE names its folder (the one that holds test_parsing); O the build directory.  Every file is judged as one
value, and then as lines of a stream, each between two good ones that must stay good.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import finish, holds, point  # noqa: E402

DUMP = os.path.join(os.environ.get("O", "build"), "tests", "scan_dump")
KERNELS = ("plain", "portable", "avx2", "avx512", "gfni")
BLOCKS = (64, 1000, 1 << 20)

# The suite leaves these open. Our answer: numbers of any size are text; what no UTF-8 can hold is bad.
ACCEPTED = {
    "i_number_double_huge_neg_exp", "i_number_huge_exp", "i_number_neg_int_huge_exp", "i_number_pos_double_huge_exp",
    "i_number_real_neg_overflow", "i_number_real_pos_overflow", "i_number_real_underflow", "i_number_too_big_neg_int",
    "i_number_too_big_pos_int", "i_number_very_big_negative_int", "i_structure_500_nested_arrays",
}
REJECTED = {
    # unpaired surrogates
    "i_object_key_lone_2nd_surrogate", "i_string_1st_surrogate_but_2nd_missing",
    "i_string_1st_valid_surrogate_2nd_invalid", "i_string_incomplete_surrogate_and_escape_valid",
    "i_string_incomplete_surrogate_pair", "i_string_incomplete_surrogates_escape_valid",
    "i_string_invalid_lonely_surrogate", "i_string_invalid_surrogate", "i_string_inverted_surrogates_U+1D11E",
    "i_string_lone_second_surrogate",
    # not UTF-8
    "i_string_UTF-8_invalid_sequence", "i_string_UTF8_surrogate_U+D800", "i_string_invalid_utf-8",
    "i_string_iso_latin_1", "i_string_lone_utf8_continuation_byte", "i_string_not_in_unicode_range",
    "i_string_overlong_sequence_2_bytes", "i_string_overlong_sequence_6_bytes",
    "i_string_overlong_sequence_6_bytes_null", "i_string_truncated-utf-8",
    # UTF-16 and a byte order mark
    "i_string_UTF-16LE_with_BOM", "i_string_utf16BE_no_BOM", "i_string_utf16LE_no_BOM",
    "i_structure_UTF-8_BOM_empty_object",
}

def dump(data, *args):
    p = subprocess.run([DUMP, *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return p.stdout.decode("latin1").split("\n")[:-1]


def wanted(name):
    return name in ACCEPTED if name.startswith("i_") else name.startswith("y_")


def as_lines(docs, kernel, block):
    """The files' lines, each file between good lines; wrong ones are returned."""
    good = b'{"a":[1,"x\\n",{"b":-0.5e-3}],"c":"\xe4\xb8\xad"}'
    data, plan = [good], [("good", None, 1)]
    for name, doc in docs:
        doc = doc[:-1] if doc.endswith(b"\n") else doc
        if name.startswith("y_"):
            doc = doc.replace(b"\n", b" ")  # there it is white space between tokens
        data += [doc, good]
        plan += [("doc", name, doc.count(b"\n") + 1), ("good", name, 1)]
    got = dump(b"\n".join(data) + b"\n", "-a", "-k", kernel, "-b", str(block))
    wrong, at = [], 0
    for kind, name, lines in plan:
        said, at = got[at:at + lines], at + lines
        accepted = all(x == "ok" for x in said)
        if len(said) != lines or accepted != (kind == "good" or wanted(name)):
            wrong.append("%s %s: %s" % (kind, name, said[:3]))
    return wrong if at == len(got) else wrong + ["%d lines judged of %d" % (len(got), at)]


def main():
    root = os.environ.get("JSON_TEST_SUITE")
    if not root:
        print("1..0 # SKIP JSON_TEST_SUITE is not set: JSONTestSuite was NOT run")
        print("JSON_TEST_SUITE is not set: JSONTestSuite was NOT run", file=sys.stderr)
        return 0
    folder = os.path.join(root, "test_parsing")
    docs = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            docs.append((name[:-len(".json")], f.read()))
    count = {k: sum(n.startswith(k) for n, _ in docs) for k in ("y_", "n_", "i_")}
    point(count == {"y_": 95, "n_": 188, "i_": 35}, "the suite has 95 y_, 188 n_, 35 i_", count)
    point({n for n, _ in docs if n.startswith("i_")} == ACCEPTED | REJECTED, "every i_ is in our table")
    right = {"y_": 0, "n_": 0, "i_": 0}
    wrong = []
    for name, doc in docs:
        said = dump(doc, "-1")
        if len(said) == 1 and (said[0] == "ok") == wanted(name):
            right[name[:2]] += 1
        else:
            wrong.append("%s: %s" % (name, said))
    for kind, what in (("y_", "accepted"), ("n_", "rejected"), ("i_", "by the table")):
        point(right[kind] == count[kind], "as one value: %d/%d %s %s" % (right[kind], count[kind], kind, what),
              "\n".join(w for w in wrong if w.startswith(kind)))
    for kernel in KERNELS:
        for block in BLOCKS:
            wrong = as_lines(docs, kernel, block)
            holds("as lines between good ones: %s kernel, blocks of %d" % (kernel, block), wrong[:10])
    return finish()


sys.exit(main())
