"""Results as Markdown: medians over the repetitions, ratios within one repetition and then their median."""

from statistics import median

from .scenarios import SCENARIOS


def render(rows):
    parts = []
    for name, scenario in SCENARIOS.items():
        here = [row for row in rows if row["scenario"] == name]
        if here:
            parts.append(table(name, scenario, here))
    return "\n".join(parts)


def table(name, scenario, rows):
    lines = [f"\n### {name}: {scenario['title']}\n"]
    noise = [row["result"]["noise_cores"] for row in rows if "result" in row]
    if noise:
        spread = f"median; {min(noise):.2f} to {max(noise):.2f}"
        lines.append(f"Other processes kept {median(noise):.2f} cores busy ({spread}).\n")
    columns = columns_of(scenario)
    lines.append("| target | " + " | ".join(title for title, _ in columns) + " |")
    lines.append("| --- |" + " --- |" * len(columns))
    for target in dict.fromkeys(row["target"] for row in rows):
        cells = Cells(target, rows)
        if cells.note:
            lines.append(f"| {target} | {cells.note} |" + " |" * (len(columns) - 1))
        else:
            lines.append(f"| {target} | " + " | ".join(cell(cells) for _, cell in columns) + " |")
    return "\n".join(lines)


def columns_of(scenario):
    """(title, cell) pairs; a closed loop has ratios of req/s, a paced one has none."""
    open_loop = "rate" in scenario or "half_of" in scenario
    paced = open_loop or "count" in scenario
    columns = [
        ("req/s", lambda cells: f"{cells.median('rps'):.0f}"),
        ("p50 ms", lambda cells: cells.millis("latency_us", "p50")),
        ("p99 ms", lambda cells: cells.millis("latency_us", "p99")),
    ]
    if scenario.get("stream"):
        columns += [
            ("first byte p50 ms", lambda cells: cells.millis("first_us", "p50")),
            ("first chunk's delay p50 ms", lambda cells: cells.millis("first_chunk_us", "p50")),
            ("chunk delay p50 / p99 ms", Cells.chunk_delay),
        ]
    if not open_loop:
        columns.append(("CPU µs/req", Cells.cpu))
        columns.append(ratio_of(scenario))
    columns.append(("peak RSS MiB", lambda cells: cells.mebibytes("rss_peak")))
    if "count" in scenario:
        columns += [
            ("before MiB", lambda cells: cells.mebibytes("rss_start")),
            ("streams in flight", lambda cells: f"{cells.median('max_in_flight'):.0f}"),
            ("KiB/stream in flight", Cells.per_stream),
        ]
    if not paced and "targets" not in scenario:
        columns += [
            ("rps vs direct", lambda cells: cells.against("direct", "rps")),
            ("rps vs nginx", lambda cells: cells.against("nginx", "rps")),
        ]
    return [*columns, ("errors", Cells.errors)]


def ratio_of(scenario):
    if "targets" in scenario:
        same = scenario["targets"][0]
        return "x same dialect", lambda cells: cells.against(same, "cpu_us")
    return "x nginx", lambda cells: cells.against("nginx", "cpu_us")


class Cells:
    """One target's figures in one scenario."""

    def __init__(self, target, rows):
        self.rows = rows
        mine = [row for row in rows if row["target"] == target]
        self.good = [row for row in mine if "result" in row and row["result"]["ok"]]
        self.note = (
            None if self.good else (mine[0].get("note") or f"failed: {mine[0]['result']['errors']}"[:100])
        )

    def median(self, field):
        return median(row["result"][field] for row in self.good)

    def millis(self, field, quantile):
        return f"{median(row['result'][field][quantile] for row in self.good) / 1000:.2f}"

    def mebibytes(self, field):
        return f"{self.median(field) / 2**20:.0f}" if self.median(field) else "-"

    def chunk_delay(self):
        return f"{self.millis('chunk_us', 'p50')} / {self.millis('chunk_us', 'p99')}"

    def cpu(self):
        own, helpers = self.median("cpu_us"), self.median("aux_cpu_us")
        if not own:
            return f"- (mock {self.median('mock_cpu_us'):.0f})"
        return f"{own:.0f}" + (f" (+{helpers:.0f} aux)" if helpers else "")

    def per_stream(self):
        if not self.median("rss_peak"):
            return "-"
        grown = (
            (row["result"]["rss_peak"] - row["result"]["rss_start"]) / 1024 / row["result"]["max_in_flight"]
            for row in self.good
        )
        return f"{median(grown):.0f}"

    def against(self, other, field):
        ratios = [
            row["result"][field] / theirs["result"][field]
            for row in self.good
            for theirs in self.rows
            if theirs["target"] == other
            and theirs["rep"] == row["rep"]
            and "result" in theirs
            and theirs["result"][field]
            and row["result"][field]
        ]
        return f"{median(ratios):.2f}" if ratios else "-"

    def errors(self):
        counts = {}
        for row in self.good:
            for error, count in row["result"]["errors"].items():
                counts[error] = counts.get(error, 0) + count
        return ", ".join(f"{count}x {error}" for error, count in counts.items()) or "0"
