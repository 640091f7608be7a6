"""Small damages to octets, lines and values, each drawn from a seeded source of chance."""

import json

#: Text that something along the way may obey, split at, count or choke on.
NASTY = [
    *(
        "\x1b]0;x\x07",
        "\x1b[2J",
        "\x9b31m",
        "\u202e",
        "\ud800",
        "\x00",
        "\r",
        "\n",
        "../../x",
        "/etc/passwd",
        "~root/x",
    ),
    *(
        "file:///x",
        "javascript:x",
        "@everyone",
        "``",
        "`",
        "|",
        "<b>",
        "&lt;",
        "www.x.example",
        "x" * 5000,
        "9" * 5000,
    ),
    *(
        "",
        " ",
        "[",
        "*" * 300,
        "(((",
        "\\",
        "%s{0}",
        "${HOME}",
        "${NOT_SET_ANYWHERE}",
        "\u2028",
        "é",
        "\U0001f600",
        "a" * 300,
    ),
]
VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    10**30,
    1.5,
    1e308,
    [],
    {},
    [[]],
    {"x": {}},
    [None],
    ["x"],
    [1],
    {"": ""},
]
NUMBERS = [
    "NaN",
    "1e999",
    "-0",
    "1" * 5000,
    "[" * 3000,
    "{}",
    '{"a":' * 1500,
    "tru",
    "'x'",
    "0x1",
    "1_0",
    "nan",
    "inf",
]


#: Values of TOML.
TOML = [
    "true",
    "1",
    "-1",
    "[]",
    "[1]",
    "{}",
    "1.5",
    "1979-05-27",
    "inf",
    "[[[]]]",
    '""',
    "'x'",
    '["x"]',
    "{ a = 1 }",
]


def octets(chance, data):
    """A few octets flipped, cut, doubled or put in."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at = chance.randrange(len(data) + 1)
        how = chance.randrange(6)
        if how == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            data[at:at] = chance.randbytes(chance.choice([1, 2, 4, 64]))
        elif how == 2:
            del data[at : at + chance.choice([1, 2, 4, 100])]
        elif how == 3:
            del data[at:]
        elif how == 4:
            data[at : at + 4] = chance.choice(
                [b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\x80\0\0\0"]
            )
        else:
            piece = data[at : at + chance.choice([4, 40, 400])]
            data[at:at] = piece * chance.choice([1, 2, 20])
    return bytes(data)


def lines(chance, text):
    """Lines taken out, doubled, moved or put in."""
    rows = text.split("\n")
    at, other = chance.randrange(len(rows)), chance.randrange(len(rows))
    how = chance.randrange(5)
    if how == 0:
        del rows[at]
    elif how == 1:
        rows.insert(other, rows[at])
    elif how == 2:
        rows[at], rows[other] = rows[other], rows[at]
    elif how == 3:
        rows.insert(at, chance.choice(NASTY + NUMBERS))
    else:
        rows[at] = rows[at][: chance.randrange(len(rows[at]) + 1)]
    return "\n".join(rows)


def toml(chance, text):
    """A few lines of TOML moved, or with another value."""
    rows = text.split("\n")
    for _ in range(chance.choice([1, 1, 2, 4])):
        how = chance.randrange(4)
        at = chance.choice([n for n, row in enumerate(rows) if "=" in row] or [0])
        key = rows[at].partition("=")[0]
        if how == 0:
            rows = lines(chance, "\n".join(rows)).split("\n")
        elif how == 1:
            nasty = chance.choice(NASTY).encode("utf-8", "replace").decode()
            rows[at] = f"{key}= {json.dumps(nasty)}"
        elif how == 2:
            rows[at] = f"{key}= {chance.choice(TOML)}"
        else:
            rows[at] = f"{key}= {chance.choice(NUMBERS)}"
    return "\n".join(rows)


def value(chance, tree):
    """The tree of JSON with one value, key or item of it changed."""
    places = list(_places(tree))
    if not places:
        return chance.choice(VALUES)
    holder, key = chance.choice(places)
    how = chance.randrange(4)
    if how == 0:
        del holder[key]
    elif how == 1:
        holder[key] = chance.choice(VALUES)
    elif how == 2:
        nasty = chance.choice(NASTY)
        holder[key] = holder[key] + nasty if isinstance(holder[key], str) and chance.randrange(2) else nasty
    elif isinstance(holder, dict):
        holder[chance.choice(NASTY)] = holder.pop(key)
    else:
        holder.extend(holder * chance.choice([1, 20]))
    return tree


def json_line(chance, text):
    """One line of JSON lines with one value of it changed."""
    rows = text.splitlines()
    at = chance.randrange(len(rows))
    try:
        rows[at] = json.dumps(value(chance, json.loads(rows[at])), ensure_ascii=bool(chance.randrange(2)))
    except (ValueError, RecursionError, AttributeError):
        rows[at] = chance.choice(NUMBERS)
    return "\n".join(rows) + "\n"


def _places(tree):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, inner in items:
        yield tree, key
        yield from _places(inner)
