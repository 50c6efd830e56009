"""What a run has to say: the table, the JSON, the chart."""
import dataclasses
import datetime
import json
import math
import shutil
import subprocess

CHART_ROW_PX = 26
MET, MISSED = 0x3A7D44, 0xB3392F


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(figure, unit=""):
    if figure is None:
        return ""
    unit = f" {unit}" if unit else ""
    if len(figure.values) == 1:
        return f"{number(figure.median)}{unit}"
    return f"{number(figure.median)}{unit} ({number(figure.low)}..{number(figure.high)})"


def verdict(line):
    return "" if line.met is None else "met" if line.met else "MISSED"


def table(results):
    head = ["", "figure: median (min..max)", "yardstick", "ratio", "target", ""]
    rows = [head]
    for result in results:
        for line in result.lines:
            rows.append([f"{result.name}: {line.label}", spread(line.value, line.unit), line.yardstick or "",
                         spread(line.ratio), line.target or "", verdict(line)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    notes = [f"{result.name}: {note}" for result in results for note in result.notes]
    return "\n".join([lines[0], "-" * len(max(lines, key=len)), *lines[1:], "", *notes]).rstrip()


def plain(value):
    """Six digits are more than any measurement has; JSON knows no infinity."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def figure_json(figure):
    return figure and {"unit": figure.unit, "median": plain(figure.median), "min": plain(figure.low),
                       "max": plain(figure.high), "rounds": [plain(value) for value in figure.values]}


def line_json(line):
    kept = {field.name: getattr(line, field.name) for field in dataclasses.fields(line)}
    return {**kept, "value": figure_json(line.value), "ratio": figure_json(line.ratio)}


def document(about, results, failures):
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), **about,
            "failures": failures,
            "benchmarks": [{"name": result.name, "notes": result.notes,
                            "lines": [line_json(line) for line in result.lines]} for result in results]}


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


# --- The chart: each judged line against its target, drawn by gnuplot

def shares(line):
    """Median, low and high in parts of the bound."""
    return [value / line.bound for value in (line.judged.median, line.judged.low, line.judged.high)]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def panel(title, rows, size, origin):
    """One plot: a bar for each row, the first on top, with whiskers, and the target at 1."""
    reach = max([1.2, *(share[2] for _, _, share in rows)])
    count = len(rows)
    data = [f"{share[0]:.6g} {count - i} {share[1]:.6g} {share[2]:.6g} {MET if line.met else MISSED}"
            for i, (_, line, share) in enumerate(rows)]
    ticks = ", ".join(f"{quoted(label)} {count - i}" for i, (label, _, _) in enumerate(rows))
    labels = [f"set label {i + 1} {quoted(told(line))} at graph 1.01, first {count - i} left font ',10' noenhanced"
              for i, (_, line, _) in enumerate(rows)]
    return "\n".join([
        "unset label", f"set origin 0,{origin:.5f}", f"set size 1,{size:.5f}",
        f"set label 100 {quoted(title)} at graph 0, screen {origin + size:.5f} offset 0,-1.6 left noenhanced",
        f"set xrange [0:{reach * 1.05:.6g}]", f"set yrange [0.4:{count + 0.6}]",
        f"set ytics ({ticks}) noenhanced", *labels,
        "$rows << END", *data, "END",
        "set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead lc rgb '#222222' lw 2 dt 2",
        "plot $rows using (0):2:(0):1:($2-0.32):($2+0.32):5 with boxxyerror fs solid 0.75 noborder lc rgb variable, "
        "$rows using 1:2:3:4 with xerrorbars pt 0 lw 1.4 lc rgb '#222222'"])


def told(line):
    return f"{spread(line.judged, '' if line.ratio else line.unit)}   target {line.target.split(' (')[0]}"


def write_chart(path, results, about):
    """False when there is nothing to draw it with, or nothing to draw."""
    judged = [(f"{result.name}: {line.label}", line, shares(line)) for result in results for line in result.lines
              if line.bound]
    more = [row for row in judged if row[1].more_is_better]
    less = [row for row in judged if not row[1].more_is_better]
    panels = [(title, rows) for title, rows in [("Wanted: at least the target (dashed), in parts of it", more),
                                                ("Wanted: at most the target (dashed), in parts of it", less)]
              if rows]
    if not panels or not shutil.which("gnuplot"):
        return False
    longest = max(len(label) for label, _, _ in judged)
    heights = [(len(rows) * CHART_ROW_PX + 90) for _, rows in panels]
    whole = sum(heights) + 50
    script = [f"set terminal svg size 1200,{whole} font 'DejaVu Sans,11' background '#ffffff'",
              f"set output {quoted(str(path))}",
              f"set multiplot title {quoted(about)} noenhanced font ',13'", "unset key",
              f"set lmargin {2 + 0.88 * longest:.0f}", "set rmargin 44", "set tmargin 3", "set border 3",
              "set xtics nomirror", "set ytics nomirror scale 0", "set grid xtics lc rgb '#dddddd'"]
    below = whole - 50
    for (title, rows), height in zip(panels, heights):
        below -= height
        script.append(panel(title, rows, height / whole, below / whole))
    script.append("unset multiplot")
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True, timeout=60)
    return True
