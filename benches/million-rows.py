"""Writes a table of some 1.3 GB: the example's reports a hundred times, numbered, with remarks.

Usage: million-rows.py FROM.csv TO.csv
"""

import csv
import sys

REMARKS = (
    "The crew reported a strike during the phase named above; the tower was told and the runway was "
    'inspected, "remains" were collected. ' * 9
)[:1150]

with open(sys.argv[1], newline="", encoding="utf-8") as source:
    header, *rows = csv.reader(source)
with open(sys.argv[2], "w", newline="", encoding="utf-8") as target:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(["id", *header, "Remarks"])
    for time in range(100):
        writer.writerows([time * len(rows) + number, *row, REMARKS] for number, row in enumerate(rows))
