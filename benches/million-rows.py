"""Writes a table of some 1.3 GB: the example's reports, repeated a hundred times, numbered, with remarks.

Usage: million-rows.py FROM.csv TO

TO ends with .csv, .tsv or .jsonl, each also with .gz.
"""

import csv
import gzip
import json
import sys

REMARKS = (
    "The crew reported a strike during the phase named above; the tower was told and the runway was "
    'inspected, "remains" were collected. ' * 9
)[:1150]


def opened(name):
    if name.endswith(".gz"):
        return gzip.open(name, "wt", compresslevel=1, newline="", encoding="utf-8")
    return open(name, "w", newline="", encoding="utf-8")


def rows_of(source, times=100):
    header, *rows = csv.reader(source)
    yield ["id", *header, "Remarks"]
    for time in range(times):
        for number, row in enumerate(rows):
            yield [time * len(rows) + number, *row, REMARKS]


with open(sys.argv[1], newline="", encoding="utf-8") as source, opened(sys.argv[2]) as target:
    rows = rows_of(source)
    kind = sys.argv[2].removesuffix(".gz").rpartition(".")[2]
    if kind == "jsonl":
        header = next(rows)
        for row in rows:
            target.write(json.dumps(dict(zip(header, row)), ensure_ascii=False) + "\n")
    else:
        delimiter = {"csv": ",", "tsv": "\t"}[kind]
        csv.writer(target, delimiter=delimiter, lineterminator="\n").writerows(rows)
