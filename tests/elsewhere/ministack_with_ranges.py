"""Starts ministack, and adds what its S3 lacks: a read of one version of an object takes a `Range`.

Quarry reads the versions that a run was planned with, and S3 answers such a read with the range
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). ministack 1.5.33 returns the
whole version.
"""

import sys

from ministack import app
from ministack.services import s3

whole_object = s3._get_object


def object_or_range(bucket: str, key: str, headers: dict, query: dict | None = None):
    status, response_headers, body = whole_object(bucket, key, headers, query)
    wanted = headers.get("range", "")
    if status != 200 or not wanted or "versionId" not in (query or {}):
        return status, response_headers, body
    size = len(body)
    span = s3._parse_range(wanted, size)
    if span is None:
        return s3._error("InvalidRange", "The requested range is not satisfiable", 416, f"/{bucket}/{key}")
    first, last = span
    part = body[first : last + 1]
    # The checksum is that of the whole object.
    kept = {name: value for name, value in response_headers.items() if not name.lower().startswith("x-amz-checksum")}
    ranged = {"Content-Length": str(len(part)), "Content-Range": f"bytes {first}-{last}/{size}"}
    return 206, kept | ranged, part


s3._get_object = object_or_range
sys.exit(app.main())
