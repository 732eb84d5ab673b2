"""Packs a root file system into an OCI image archive: one layer, the same bytes each time.

    archive.py ROOT ARCHIVE [NAME]

Times are SOURCE_DATE_EPOCH, owners are root, members are sorted, and the compressor writes neither name nor time. Prints the
digest of the manifest, which identifies the image in a registry.
"""

import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import sys
import tarfile

EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
CREATED = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def member(info):
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = EPOCH
    return info


def layer(root):
    """The layer as a tar file, and compressed."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(root)), recursive=False, filter=member)
    compressed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=compressed, mode="wb", compresslevel=9, mtime=0) as file:
        file.write(plain.getvalue())
    return plain.getvalue(), compressed.getvalue()


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def document(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def main():
    root, archive = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    name = sys.argv[3] if len(sys.argv) > 3 else "preview-gateway:local"
    plain, compressed = layer(root)
    labels = {
        "org.opencontainers.image.title": "preview-gateway",
        "org.opencontainers.image.created": CREATED,
        "org.opencontainers.image.revision": os.environ.get("BUILD_COMMIT", "unknown"),
        "org.opencontainers.image.version": os.environ.get("BUILD_VERSION", "unknown"),
        "org.opencontainers.image.licenses": "Apache-2.0",
    }
    config = document(
        {
            "created": CREATED,
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": {
                "User": "65532:65532",
                "Env": ["PATH=/usr/bin", "HOME=/home/nonroot"],
                "Entrypoint": ["/usr/bin/preview-gateway"],
                "Cmd": ["serve"],
                "WorkingDir": "/home/nonroot",
                "ExposedPorts": {"8080/tcp": {}, "8081/tcp": {}},
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [digest(plain)]},
            "history": [{"created": CREATED, "created_by": "k8s/image/archive.py"}],
        }
    )

    def descriptor(kind, content, **more):
        media = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media, "digest": digest(content), "size": len(content)} | more

    manifest = document(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("config.v1+json", config),
            "layers": [descriptor("layer.v1.tar+gzip", compressed)],
        }
    )
    reference = {"org.opencontainers.image.ref.name": name.rsplit(":", 1)[-1]}
    index = document(
        {"schemaVersion": 2, "manifests": [descriptor("manifest.v1+json", manifest, annotations=reference)]}
    )
    with tarfile.open(archive, mode="w", format=tarfile.GNU_FORMAT) as tar:

        def add(path, content):
            info = member(tarfile.TarInfo(path))
            info.size = len(content)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(content))

        for content in (config, compressed, manifest):
            add("blobs/sha256/" + digest(content).removeprefix("sha256:"), content)
        add("index.json", index)
        add("oci-layout", document({"imageLayoutVersion": "1.0.0"}))
    print(digest(manifest))


if __name__ == "__main__":
    main()
