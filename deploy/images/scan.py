"""What of the images Debian has upgrades for: bills of materials against `apt list --upgradable` of the build stage.

Exit code 1 when one of them comes from Debian's security team.
"""
import json
import pathlib
import re
import sys

# libssl3/stable-security 3.0.17-1~deb12u2 amd64 [upgradable from: 3.0.15-1~deb12u1]
LINE = re.compile(r"^(?P<name>[^/\s]+)/(?P<suites>\S+) (?P<version>\S+) \S+ \[upgradable from: (?P<old>[^\]]+)\]$")


def upgrades(text):
    found = {}
    for line in text.splitlines():
        if match := LINE.match(line):
            found[match["name"]] = match
        elif line and not line.startswith(("Listing...", "WARNING", "N:")):
            raise SystemExit(f"apt said what is not understood: {line}")
    return found


def main():
    known = upgrades(pathlib.Path(sys.argv[1]).read_text())
    security = looked = 0
    for path in sys.argv[2:]:
        bill = json.loads(pathlib.Path(path).read_text())
        for component in bill["components"]:
            looked += component["purl"].startswith("pkg:deb/")
            if not (upgrade := known.get(component["name"])) or not component["purl"].startswith("pkg:deb/"):
                continue
            secure = "-security" in upgrade["suites"]
            security += secure
            print(f"{bill['metadata']['component']['name']}: {component['name']} {component['version']} -> {upgrade['version']} "
                  f"({upgrade['suites']}{', SECURITY' if secure else ''})")
    print(f"{len(sys.argv) - 2} images, {looked} packages in them, {len(known)} upgrades known, {security} of security pending")
    return 1 if security or not looked else 0


if __name__ == "__main__":
    sys.exit(main())
