"""Writes the SBOM of a root file system: Debian's packages, and the Swift packages that were linked in, as SPDX 2.3.

    sbom.py ROOT PACKAGE_RESOLVED
"""

import datetime
import json
import os
import pathlib
import sys


def package(name, version, download, purl):
    identifier = "SPDXRef-Package-" + "".join(c if c.isalnum() or c in ".-" else "-" for c in name)
    return {
        "SPDXID": identifier,
        "name": name,
        "versionInfo": version,
        "downloadLocation": download,
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
        ],
    }


def debian(root):
    for path in sorted((root / "var/lib/dpkg/status.d").iterdir()):
        fields = dict(line.split(": ", 1) for line in path.read_text().splitlines())
        name, version = fields["Package"], fields["Version"]
        purl = f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}"
        yield package(name, version, "NOASSERTION", purl)


def swift(resolved):
    for pin in sorted(json.loads(resolved.read_text())["pins"], key=lambda pin: pin["identity"]):
        state, address = pin["state"], pin["location"].removesuffix(".git")
        version = state.get("version", state["revision"])
        purl = f"pkg:swift/{address.removeprefix('https://')}@{version}"
        yield package(pin["identity"], version, f"git+{pin['location']}@{state['revision']}", purl)


def main():
    root, resolved = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    created = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    commit = os.environ.get("BUILD_COMMIT", "unknown")
    own = package("preview-gateway", os.environ.get("BUILD_VERSION", commit), "NOASSERTION", f"pkg:generic/preview-gateway@{commit}")
    parts = list(debian(root)) + (list(swift(resolved)) if resolved.exists() else [])
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "preview-gateway",
        "documentNamespace": f"https://preview-gateway.invalid/sbom/{commit}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: preview-gateway-image"]},
        "packages": [own] + parts,
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": own["SPDXID"]}
        ]
        + [
            {"spdxElementId": own["SPDXID"], "relationshipType": "CONTAINS", "relatedSpdxElement": part["SPDXID"]}
            for part in parts
        ],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
