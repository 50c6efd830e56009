"""The bill of materials of an image (CycloneDX 1.5, JSON), made of its root file system as root.sh has laid it out.

Every file of the image is in it: as a program of Obol's, as a file of one of Debian's packages, or as one of the few that
root.sh wrote itself. A file that is none of these is a fault. The same image gives the same bytes.
"""
import argparse
import datetime
import hashlib
import json
import pathlib
import re
import sys
import uuid

STATUS = "var/lib/dpkg/status.d"
OURS = {"etc/passwd", "etc/group", "etc/nsswitch.conf"}  # no software: written by root.sh
MOUNTED = ("etc/hosts", "etc/hostname", "etc/resolv.conf", "dev/", "proc/", "sys/", "run/")  # by whoever runs the image
NAMESPACE = uuid.UUID("6f626f6c-0000-4000-8000-000000000000")


def fields(text):
    """The fields of a dpkg status: continuation lines belong to the field above."""
    found, name = {}, None
    for line in text.splitlines():
        if line[:1].isspace() and name:
            found[name] += "\n" + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            found[name] = value.strip()
    return found


def licences(copyright_file):
    """The names that a machine-readable copyright file gives (Debian's copyright format 1.0); none of another."""
    text = copyright_file.read_text(errors="replace") if copyright_file.exists() else ""
    return sorted(set(re.findall(r"^License: *(\S.*?)\s*$", text, re.M))) if text.startswith("Format:") else []


def package(root, status):
    said = fields(status.read_text(errors="replace"))
    name, version, architecture = said["Package"], said["Version"], said["Architecture"]
    source = said.get("Source", name).split(" ")[0]
    listed = status.with_name(status.name + ".md5sums").read_text().splitlines()
    files = sorted({line.split("  ", 1)[1] for line in listed})
    for line in listed:
        digest, file = line.split("  ", 1)
        if hashlib.md5((root / file).read_bytes(), usedforsecurity=False).hexdigest() != digest:
            raise SystemExit(f"{file} is not what {name} brought")
    purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={architecture}&distro=debian-12"
    return files, {
        "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        "supplier": {"name": said["Maintainer"]}, "description": said["Description"].split("\n")[0],
        "licenses": [{"license": {"name": found}} for found in licences(root / "usr/share/doc" / name / "copyright")],
        "properties": [{"name": "debian:source", "value": source}],
        "evidence": {"occurrences": [{"location": f"/{file}"} for file in files]},
    }


def program(root, file, version):
    digest = hashlib.sha256((root / file).read_bytes()).hexdigest()
    name = pathlib.Path(file).name
    return {"type": "application", "bom-ref": f"pkg:generic/{name}@{version}", "name": name, "version": version,
            "purl": f"pkg:generic/{name}@{version}", "hashes": [{"alg": "SHA-256", "content": digest}],
            "evidence": {"occurrences": [{"location": f"/{file}"}]}}


def regular_files(root):
    names = (str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    return {n for n in names if not n.startswith(MOUNTED)}


def bill(root, name, version, revision, seconds):
    known, components = set(OURS), []
    for status in sorted((root / STATUS).iterdir()):
        if status.suffix == ".md5sums":
            continue
        files, component = package(root, status)
        known |= {*files, f"{STATUS}/{status.name}", f"{STATUS}/{status.name}.md5sums",
                  f"usr/share/doc/{component['name']}/copyright"}
        components.append(component)
    own = sorted(n for n in regular_files(root) - known if re.fullmatch(r"usr/bin/obol(-[a-z]+)?", n))
    if strays := regular_files(root) - known - set(own):
        raise SystemExit(f"{name}: of no package: {', '.join(sorted(strays))}")
    components += [program(root, file, version) for file in own]
    whole = {"type": "container", "bom-ref": f"image:{name}@{version}", "name": name, "version": version}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, json.dumps([name, version, revision, components], sort_keys=True))}",
        "metadata": {"timestamp": datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                     "component": whole, "properties": [{"name": "obol:revision", "value": revision}]},
        "components": components,
        "dependencies": [{"ref": whole["bom-ref"], "dependsOn": [c["bom-ref"] for c in components]}],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--revision", required=True)
    parser.add_argument("--time", type=int, required=True, help="seconds since 1970: that of the commit")
    options = parser.parse_args()
    json.dump(bill(options.root, options.name, options.version, options.revision, options.time), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
