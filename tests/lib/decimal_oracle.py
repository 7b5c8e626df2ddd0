#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""decimal_oracle - random cases for decimal_test, answered by Python's decimal

	python3 tests/lib/decimal_oracle.py SEED COUNT	# lines: OP TAB A TAB B TAB ANSWER ("!": must be refused)
"""
import random
import sys
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, setcontext

setcontext(Context(prec=400, rounding=ROUND_HALF_UP, Emin=-999999, Emax=999999))
LIMIT = Decimal(10) ** 38


def scale(x):
    return max(0, -x.as_tuple().exponent)


def fixed(x, digits):
    x = x.quantize(Decimal(1).scaleb(-digits))
    return "!" if abs(x) >= LIMIT else format(x + 0 if x else abs(x), "f")


def number(rng):
    """A JSON number text that the product must take, of any size."""
    whole = rng.choice([0, 1, 1, 2, 3, 5, 8, 12, 18, 19, 20, 25, 37, 38])
    frac = rng.choice([0, 0, 0, 1, 2, 2, 2, 3, 4, 9, 17, 18, 19, 20, 30, 37, 38])
    fill = rng.choice(["0123456789", "9", "09", "5", "0", "1", "49"])
    text = "".join(rng.choice(fill) for _ in range(whole)).lstrip("0") or "0"
    if frac:
        text += "." + "".join(rng.choice(fill) for _ in range(frac))
    return rng.choice(["", "", "-"]) + text


def texts(rng):
    """Number texts with exponents, accepted or not."""
    text = number(rng)
    if rng.random() < 0.7:
        text += rng.choice("eE") + rng.choice(["", "+", "-"]) + str(rng.choice([0, 1, 2, 3, 7, 18, 19, 20, 37, 38, 39, 77, 400]))
    return text


def parsed(text):
    x = Decimal(text)
    if x == 0:
        return format(abs(x.quantize(Decimal(1).scaleb(-min(38, scale(x))))), "f")
    if abs(x) >= LIMIT:
        return "!"
    if x != x.quantize(Decimal(1).scaleb(-38)):
        return "!"
    return format(x.quantize(Decimal(1).scaleb(-min(38, scale(x)))), "f")


def answer(op, ta, tb):
    a, b = Decimal(ta), Decimal(tb)
    sa, sb = scale(a), scale(b)
    if op == "add":
        return fixed(a + b, max(sa, sb))
    if op == "sub":
        return fixed(a - b, max(sa, sb))
    if op == "mul":
        return fixed(a * b, min(38, sa + sb))
    if op == "div":
        return fixed(a / b, min(38, sa + 4))
    if op == "mod":
        return fixed(abs(a) % abs(b) * (-1 if a < 0 else 1), max(sa, sb))
    if op == "cmp":
        return str((a > b) - (a < b))
    if op == "round":
        d = int(tb)
        if d >= 0:
            return fixed(a, d)
        x = (a.scaleb(d)).quantize(Decimal(1)).scaleb(-d)
        return fixed(x, 0)
    if op == "floor":
        return fixed(a.to_integral_value(rounding=ROUND_FLOOR), 0)
    if op == "canon":
        text = format(a, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if a == 0 else text
    if op == "i64":
        return str(int(a)) if a == int(a) and -2**63 <= int(a) < 2**63 else "!"
    raise ValueError(op)


def sums(rng, n):
    """A run of numbers, some taken away again; then the sum and the mean of so many."""
    total, shown = Decimal(0), 0
    yield "sum0", "0", "0", "0"
    for _ in range(n):
        t = number(rng)
        x = Decimal(t)
        op = rng.choice(["sum+", "sum+", "sum+", "sum-", "sumj"])
        total += -x if op == "sum-" else x
        shown = max(shown, scale(x))
        count = rng.choice([1, 2, 3, 7, 1000, 2**31, 2**63 - 1])
        mean = "!" if abs(total / count) >= LIMIT else fixed(total / count, min(38, shown + 4))
        yield op, t, str(count), fixed(total, shown) + " " + mean


def main():
    rng = random.Random(int(sys.argv[1]))
    out = []
    ops = ["add", "sub", "mul", "div", "mod", "cmp", "round", "floor", "canon", "i64", "parse"]
    for i in range(int(sys.argv[2])):
        op = ops[i % len(ops)]
        if op == "parse":
            t = texts(rng)
            out.append(("parse", t, "0", parsed(t)))
            continue
        a, b = number(rng), number(rng)
        if rng.random() < 0.1:
            b = a
        if op in ("div", "mod") and Decimal(b) == 0:
            b = "3"
        if op == "round":
            b = str(rng.randint(-39, 38))
        if op == "i64":
            a = rng.choice([a, str(rng.randint(-2**64, 2**64)), str(2**63 - rng.randint(0, 1)), str(-2**63 - rng.randint(0, 1))])
        if op == "cmp" and rng.random() < 0.5:
            b = a + ("0" if "." in a else ".0") if scale(Decimal(a)) < 38 else a
        out.append((op, a, b, answer(op, a, b)))
    for _ in range(40):
        out.extend(sums(rng, 50))
    for row in out:
        print("\t".join(row))


main()
