#!/usr/bin/env python3
"""Downloads or uploads many bytes through a port, and checks that all of them arrive.

    transfer.py download|upload|upload-chunked PORT BYTES
"""

import hashlib
import http.client
import json
import sys
import time

PATTERN = bytes(range(256)) * 256


def parts(size):
    while size:
        part = PATTERN[: min(size, len(PATTERN))]
        size -= len(part)
        yield part


def main():
    direction, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    begun = time.monotonic()
    if direction == "download":
        connection.request("GET", f"/download/{size}")
        answer, length = connection.getresponse(), 0
        while part := answer.read(1 << 20):
            offset = length % len(PATTERN)
            if part[:256] != (PATTERN + PATTERN)[offset:offset + 256][: len(part)]:
                sys.exit(f"the bytes at {length} are others")
            length += len(part)
    else:
        chunked = direction == "upload-chunked"
        fields = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
        connection.request("PUT", "/upload", body=parts(size), headers=fields, encode_chunked=chunked)
        answer = json.loads(connection.getresponse().read())
        digest = hashlib.sha256()
        for part in parts(size):
            digest.update(part)
        length = answer["length"]
        if answer["sha256"] != digest.hexdigest() or answer["framing"] != ("chunked" if chunked else f"length {size}"):
            sys.exit(f"the body arrived otherwise: {answer}")
    if length != size:
        sys.exit(f"{length} of {size} bytes arrived")
    print(f"{size / (time.monotonic() - begun) / 1e6:.0f} MB/s")


if __name__ == "__main__":
    main()
