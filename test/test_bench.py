"""The benchmark harness's own arithmetic, with figures small enough to check by heart."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))

from harness.figures import (  # noqa: E402  (found through the line above)
    Figure, Result, Trouble, at_least, at_most, compare, spell, table, write_json)
from harness.kept import keep  # noqa: E402

SPEED = Figure("speed", "1/s", at_least(1.0))
COST = Figure("cost", "us", at_most(1.0))


def against(figure, ours, theirs):
    return Result(figure, ours, "peer", theirs)


def test_a_ratio_is_of_values_of_the_same_round():
    # The machine was ten times as fast in the last rounds: the medians' ratio would be 20 : 20.
    result = against(SPEED, [20, 20, 200, 20, 200], [10, 40, 100, 10, 50])
    assert result.ratio() == {"min": 0.5, "median": 2, "max": 4}


def test_values_that_lack_a_round_are_not_compared():
    with pytest.raises(ValueError):
        against(SPEED, [1, 2, 3], [1, 2]).ratio()


def test_there_is_no_ratio_to_nothing():
    with pytest.raises(Trouble, match="peer measured 0"):
        against(SPEED, [1, 1], [1, 0]).ratio()


@pytest.mark.parametrize("target, ours, holds", [
    (at_least(1.0), [9, 10, 30], True),
    (at_least(1.0), [9, 9, 30], False),
    (at_most(1.0), [1, 10, 30], True),
    (at_most(1.0), [1, 11, 11], False),
    (at_most(11, of="value"), [1, 11, 30], True),
    (at_most(10, of="value"), [1, 11, 30], False),
    (None, [1, 2, 3], None),
])
def test_a_target_binds_the_median_and_its_bound_holds(target, ours, holds):
    assert against(Figure("it", "1/s", target), ours, [10, 10, 10]).holds() is holds


def test_a_figure_without_a_peer_has_a_value_and_no_ratio():
    result = Result(Figure("memory", "bytes", at_most(256, of="value")), [200, 300, 250])
    told = result.as_json()
    assert (told["value"], told["peer"], told["peer_value"], told["ratio"]) == (250, None, None, None)
    assert told["holds"] is True


def test_a_promised_ratio_needs_a_peer():
    with pytest.raises(Trouble, match="no peer"):
        Result(SPEED, [1, 2, 3]).holds()


class Programs:
    """Programs that measure as `values` says, and the order in which they were asked."""

    def __init__(self, **values):
        self.values, self.asked = values, []

    def compare(self, figures, rounds=5):
        def measure(name):
            self.asked.append(name)
            return {figure.name: self.values[name] for figure in figures}

        return compare(figures, {"so": measure, "otherwise": measure},
                       {name: name for name in self.values}, rounds)


def test_programs_are_measured_right_after_one_another_and_take_turns_to_be_first():
    programs = Programs(ours=2, peer=1)
    programs.compare([SPEED])
    there, back = ["ours", "peer"], ["peer", "ours"]
    both_cells = 2
    assert programs.asked == (there * both_cells + back * both_cells) * 2 + there * both_cells


def test_every_figure_is_compared_with_every_peer():
    results = Programs(ours=2, one=1, other=4).compare([SPEED, COST])
    assert [(result.figure.name, result.peer, result.ratio()["median"]) for result in results] == [
        ("speed", "one", 2), ("speed", "other", 0.5), ("cost", "one", 2), ("cost", "other", 0.5)]


def test_a_target_may_be_for_some_peers_only():
    figure = Figure("speed", "1/s", {"one": at_least(1.5), "other": at_most(0.25)})
    results = Programs(ours=2, one=1, other=4, third=1).compare([figure])
    assert [(result.peer, str(result.target or "-"), result.holds()) for result in results] == [
        ("one", ">= 1.5", True), ("other", "<= 0.25", False), ("third", "-", None)]


def test_what_is_only_ours_to_tell_has_no_peers():
    busy, = Programs(ours=2, one=1, other=4).compare([Figure("busy", "%", alone=True)])
    assert busy.peer is None and set(busy.values) == {2}


def test_without_peers_there_is_one_result_a_figure():
    memory = Figure("memory", "bytes")
    assert [result.peer for result in Programs(ours=2).compare([memory])] == [None]


def test_a_slow_peer_is_compared_with_the_rounds_it_was_in():
    rate = iter(range(1, 100))  # whoever comes later is faster
    asked = []

    def measure(name):
        asked.append(name)
        return {"speed": next(rate)}

    quick, slow = compare([SPEED], {"so": measure}, {name: name for name in ("ours", "quick", "slow")},
                          5, slow={"slow": 2})
    assert asked.count("slow") == 2 and asked.count("ours") == asked.count("quick") == 5
    assert (quick.as_json()["rounds"], slow.as_json()["rounds"]) == (5, 2)
    assert (slow.values, slow.peer_values) == ([1, 6], [3, 5])
    assert len(quick.values) == 5


def test_fewer_than_five_rounds_are_refused():
    with pytest.raises(Trouble, match="4 rounds are too few"):
        Programs(ours=2, peer=1).compare([SPEED], rounds=4)


def test_the_file_has_one_object_a_figure_with_all_that_was_promised(tmp_path):
    results = [against(SPEED, [2, 4, 6], [2, 2, 2]), against(COST, [3, 3, 3], [2, 2, 2])]
    write_json(results, tmp_path / "it.json")
    speed, cost = json.loads((tmp_path / "it.json").read_text())
    assert speed == {
        "name": "speed", "peer": "peer", "unit": "1/s", "value": 4, "peer_value": 2,
        "ratio": {"min": 1, "median": 2, "max": 3}, "rounds": 3,
        "target": {"of": "ratio", "at_least": 1.0}, "holds": True}
    assert (cost["target"], cost["holds"]) == ({"of": "ratio", "at_most": 1.0}, False)


def test_the_table_names_what_is_missed():
    head, speed, cost = table("ours", [
        against(SPEED, [2000, 4000, 6000], [2000] * 3), against(COST, [3] * 3, [2] * 3)]).splitlines()
    assert head.split()[:4] == ["figure", "unit", "ours", "peer"]
    assert speed.split() == ["speed", "1/s", "4,000", "peer", "2,000", "1.00", "2.00", "3.00",
                             ">=", "1", "yes"]
    assert cost.split()[-1] == "NO"


@pytest.mark.parametrize("value, text", [
    (123456.7, "123,457"), (1234.5, "1,234"), (12.345, "12.35"), (0.1234, "0.123"), (None, "-")])
def test_numbers_are_told_with_four_digits(value, text):
    assert spell(value) == text


def test_a_benchmark_that_is_not_there_is_told_of(tmp_path):
    done = subprocess.run([BENCH / "run", "nothing"], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "RESULTS": str(tmp_path / "results")})
    assert done.returncode == 2
    assert "there is no 'nothing'" in done.stderr and "hello" in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_build_that_is_not_there_is_told_of(tmp_path):
    done = subprocess.run([BENCH / "run", "hello"], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "RESULTS": str(tmp_path / "results"),
                               "BUILD": str(tmp_path / "nowhere")})
    assert done.returncode == 1
    assert "bench: " in done.stderr and "nowhere" in done.stderr.splitlines()[-1]
    assert not list((tmp_path / "results").iterdir())


class Maker:
    """Makes a file of what it is told, and counts how often."""

    def __init__(self, text="whole"):
        self.text, self.times = text, 0

    def __call__(self, path):
        self.times += 1
        path.write_text(self.text)
        return {"packets": self.times}


def test_a_file_is_made_once_and_kept(tmp_path):
    make, path = Maker(), tmp_path / "folder" / "it"
    assert keep(path, "recipe", make) == keep(path, "recipe", make) == {"packets": 1}
    assert make.times == 1 and path.read_text() == "whole"


@pytest.mark.parametrize("harm", [
    lambda path: path.write_text("wh0le"),
    lambda path: path.write_text("who"),
    lambda path: path.unlink(),
    lambda path: path.with_name("it.json").write_text("{"),
    lambda path: path.with_name("it.json").unlink(),
])
def test_a_kept_file_that_is_not_whole_is_made_again(tmp_path, harm):
    make, path = Maker(), tmp_path / "it"
    keep(path, "recipe", make)
    harm(path)
    assert keep(path, "recipe", make) == {"packets": 2}
    assert path.read_text() == "whole"


def test_another_recipe_makes_another_file(tmp_path):
    make, path = Maker(), tmp_path / "it"
    keep(path, "recipe", make)
    keep(path, "more salt", make)
    assert make.times == 2


def test_what_could_not_be_made_leaves_nothing(tmp_path):
    def fail(path):
        path.write_text("half")
        raise Trouble("no more")

    with pytest.raises(Trouble, match="no more"):
        keep(tmp_path / "it", "recipe", fail)
    assert not list(tmp_path.iterdir())
