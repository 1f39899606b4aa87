"""Figures: what is compared, the ratios, whether a target holds, the table and the JSON.

Nothing here looks at a clock or starts a process: values in, text out."""

import json
import statistics
from dataclasses import dataclass, field

MINIMUM_ROUNDS = 5


class Trouble(Exception):
    """A benchmark could not be measured; the sentence says why."""


@dataclass(frozen=True)
class Target:
    """A bound for the median: of the ratio to the peer, or, with `of` "value", of our own value."""

    bound: str  # "at_least" or "at_most"
    value: float
    of: str = "ratio"

    def holds(self, median):
        return median >= self.value if self.bound == "at_least" else median <= self.value

    def __str__(self):
        sign = ">=" if self.bound == "at_least" else "<="
        return f"{sign} {self.value:g}" + ("" if self.of == "ratio" else " (ours)")


def at_least(value, of="ratio"):
    return Target("at_least", value, of)


def at_most(value, of="ratio"):
    return Target("at_most", value, of)


@dataclass(frozen=True)
class Figure:
    """One thing that is measured of every program. `target` is for every peer, or a dictionary
    has those of some of them by name. `alone`: what the peers measured is not reported."""

    name: str
    unit: str
    target: Target | dict | None = None
    alone: bool = False

    def target_for(self, peer):
        return self.target.get(peer) if isinstance(self.target, dict) else self.target


@dataclass(frozen=True)
class Comparison:
    """What is asked of the same programs; each is as compare() has it."""

    programs: dict
    figures: list
    cells: dict
    slow: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """One figure of ours and, where there is a peer, of that peer: a value a round each. The
    ratio is ours to the peer's of the same round, so that what slows a machine down for some
    rounds slows both. A peer that is slow has fewer values: of the first rounds, with which
    ours of the same rounds are compared."""

    figure: Figure
    values: list
    peer: str | None = None
    peer_values: list | None = None

    @property
    def target(self):
        return self.figure.target_for(self.peer)

    def ratios(self):
        if self.peer is None:
            return None
        if 0 in self.peer_values:
            raise Trouble(f"{self.figure.name}: {self.peer} measured 0, to which there is no ratio")
        return [ours / theirs for ours, theirs in zip(self.values, self.peer_values, strict=True)]

    def ratio(self):
        ratios = self.ratios()
        if ratios is None:
            return None
        return {"min": min(ratios), "median": statistics.median(ratios), "max": max(ratios)}

    def holds(self):
        """True or False; None where nothing was promised."""
        target = self.target
        if target is None:
            return None
        if target.of == "value":
            return target.holds(statistics.median(self.values))
        if self.peer is None:
            raise Trouble(f"{self.figure.name}: a target for a ratio, and no peer")
        return target.holds(self.ratio()["median"])

    def as_json(self):
        target = self.target
        return {
            "name": self.figure.name,
            "peer": self.peer,
            "unit": self.figure.unit,
            "value": statistics.median(self.values),
            "peer_value": statistics.median(self.peer_values) if self.peer is not None else None,
            "ratio": self.ratio(),
            "rounds": len(self.values),
            "target": target and {"of": target.of, target.bound: target.value},
            "holds": self.holds(),
        }


def compare(figures, cells, programs, rounds, say=lambda text: None, slow=None):
    """Measures, and returns a Result for each figure and peer.

    `cells` maps a name to a function that measures one program in one situation and returns
    {figure's name: value}. `programs` maps names to whatever those functions take; the first is
    ours, the others its peers. Within a round, all programs are measured in one cell right after
    one another, and who goes first changes from round to round. `slow` maps peers that take too long for every round to how many they get."""
    if rounds < MINIMUM_ROUNDS:
        raise Trouble(f"{rounds} rounds are too few, it takes at least {MINIMUM_ROUNDS}")
    values = {name: {figure.name: [] for figure in figures} for name in programs}
    names, slow = list(programs), slow or {}
    for number in range(rounds):
        first = number % len(names)
        for cell, measure in cells.items():
            for name in names[first:] + names[:first]:
                if number >= slow.get(name, rounds):
                    continue
                say(f"round {number + 1} of {rounds}: {cell}, {name}")
                for figure, value in measure(programs[name]).items():
                    values[name][figure].append(value)

    def result(figure, peer):
        ours = values[names[0]][figure.name]
        theirs = peer and values[peer][figure.name]
        return Result(figure, ours[:len(theirs)] if peer in slow else ours, peer, theirs)

    return [result(figure, peer) for figure in figures
            for peer in ([] if figure.alone else names[1:]) or [None]]


def write_json(results, path):
    """One object a figure and peer, one a line, in one array."""
    lines = [json.dumps(result.as_json(), ensure_ascii=False) for result in results]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def spell(value):
    """Four digits that count, and no more after the point than those need."""
    if value is None:
        return "-"
    digits = len(str(int(abs(value))))
    return f"{value:,.{max(0, 4 - digits)}f}"


def table(ours, results):
    """The results as lines, columns lined up: names to the left, numbers to the right."""
    rows = [["figure", "unit", ours, "peer", "", "ratio min", "median", "max", "target", "holds"]]
    for result in results:
        row = result.as_json()
        ratio = row["ratio"] or {}
        rows.append([
            row["name"], row["unit"], spell(row["value"]), row["peer"] or "-",
            spell(row["peer_value"]),
            *(f"{ratio[key]:.2f}" if ratio else "-" for key in ("min", "median", "max")),
            str(result.target or "-"),
            {True: "yes", False: "NO", None: "-"}[row["holds"]],
        ])
    left = {0, 1, 3}
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                  for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows)
