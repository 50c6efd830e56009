"""docs/configuration.md from what the programs say of themselves (--configuration).

python3 scripts/configuration.py BIN            prints it
python3 scripts/configuration.py BIN --write    writes docs/configuration.md
"""
import json
import pathlib
import subprocess
import sys

PROGRAMS = ["gateway", "auth", "payments", "refunds", "webhooks", "obol", "sandbox", "merchant"]
DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
HEAD = """# Configuration
Environment variables, nothing else. `./dev docs` makes this page of what each program says of itself (`obol-payments --help`, and
`--configuration` for programs); a test holds it against them. A program refuses to start on a value that it does not like, naming the
variable. A variable that is set but empty counts as not set. A **secret** is never printed or logged, and comes from a file where
`NAME_FILE` names one (at most 64 KiB; trailing newlines are dropped): that is the way for production. Every program is restarted to take
a new value, except where its help says that a file is taken again when it changes.
"""
DEVELOPMENT = {"sandbox", "merchant"}


def described(binaries, program):
    path = pathlib.Path(binaries) / ("obol" if program == "obol" else f"obol-{program}")
    return json.loads(subprocess.run([path, "--configuration"], stdout=subprocess.PIPE, check=True).stdout)["variables"]


def merged(binaries):
    """Variables by name, each with the programs that take it and what these say: [(programs, variable)]."""
    known = {}
    for program in PROGRAMS:
        for variable in described(binaries, program):
            same = known.setdefault(variable.pop("name"), [])
            entry = next((entry for entry in same if entry[1] == variable), None)
            if entry:
                entry[0].append(program)
            else:
                same.append(([program], variable))
    return known


def default_of(variable):
    if variable["required"]:
        return "**required**"
    if variable["kind"] == "secret":
        return "secret"
    return f"`{variable['default']}`" if variable["default"] else "none"


def help_of(variable):
    bounds = f" ({variable['minimum']} to {variable['maximum']})" if "minimum" in variable else ""
    secret = "; a secret" if variable["kind"] == "secret" and variable["required"] else ""
    return variable["help"].replace("|", "\\|") + bounds + secret


def section(title, rows, shared):
    """shared: what stands there is taken by several programs, which a column names."""
    yield f"\n## {title}\n"
    yield "| variable | default | what |" + (" programs |" if shared else "")
    yield "| --- | --- | --- |" + (" --- |" if shared else "")
    for name, variable, programs in sorted(rows, key=lambda row: row[0]):
        yield f"| `{name}` | {default_of(variable)} | {help_of(variable)} |" + (f" {', '.join(programs)} |" if shared else "")


def document(binaries):
    sections = {program: [] for program in ["more than one", *PROGRAMS]}
    for name, entries in merged(binaries).items():
        for programs, variable in entries:
            production = [program for program in programs if program not in DEVELOPMENT] or programs
            home = production[0] if len(production) == 1 else "more than one"
            sections[home].append((name, variable, production))
    lines = [HEAD.rstrip("\n")]
    for home, rows in sections.items():
        title = {"more than one": "More than one program", "obol": "obol, the administration command"}.get(home, f"obol-{home}")
        title += " (development only)" if home in DEVELOPMENT else ""
        lines += section(title, rows, home == "more than one") if rows else []
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = document(sys.argv[1])
    DOCUMENT.write_text(text) if "--write" in sys.argv else print(text, end="")
