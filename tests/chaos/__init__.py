"""Faults that a seed chooses strike a whole installation under load; then an auditor reads everything."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))
