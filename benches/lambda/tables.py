"""The tables of the benchmark: the example's reports, repeated and numbered, with remarks of 1,150 characters."""

import csv
import gzip
import io
from pathlib import Path

import pyarrow
import pyarrow.parquet

REMARKS = (
    "The crew reported a strike during the phase named above; the tower was told and the runway was "
    'inspected, "remains" were collected. ' * 9
)[:1150]

PROMPTS = {
    "system_prompt": "You classify reports of wildlife strikes.",
    "user_prompt_template": "Report {id}: {Wildlife Species}, {Wildlife Size}, {Phase of flight}.\n{Remarks}\n"
    "Answer with one JSON object.",
    "input_placeholders": ["id", "Wildlife Species", "Wildlife Size", "Phase of flight", "Remarks"],
}


def rows(example: Path, number: int) -> tuple[list[str], list[list[str]]]:
    """Returns the header and this number of rows."""
    with example.open(newline="", encoding="utf-8") as source:
        header, *reports = csv.reader(source)
    return ["id", *header, "Remarks"], [[str(n), *reports[n % len(reports)], REMARKS] for n in range(number)]


def files(example: Path, number: int) -> dict[str, bytes]:
    """Returns the same table in each format, by the end of its file's name."""
    header, all_rows = rows(example, number)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(all_rows)
    plain = text.getvalue().encode()
    columns = [pyarrow.array(column) for column in zip(*all_rows, strict=True)]
    parquet = io.BytesIO()
    # Without dictionaries, because each of a real table's remarks is another text.
    pyarrow.parquet.write_table(
        pyarrow.table(columns, names=header), parquet, use_dictionary=False, compression="snappy", row_group_size=15_000
    )
    return {"csv": plain, "csv.gz": gzip.compress(plain, compresslevel=6), "parquet": parquet.getvalue()}
