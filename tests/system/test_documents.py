"""What is written is held against what runs."""
import pathlib
import subprocess

from stack import BIN

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_the_page_of_variables_is_what_the_programs_say():
    made = subprocess.run(["/usr/bin/python3", ROOT / "scripts/configuration.py", BIN], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert (ROOT / "docs/configuration.md").read_text() == made, "./dev docs writes it anew"
