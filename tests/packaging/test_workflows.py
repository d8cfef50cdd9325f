"""GitHub's workflows: pinned actions, no more rights than needed, and nothing in them that is not there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shomare_mqtt import __version__
from tests.packaging.files import TOP, read_yaml

FILES = sorted((TOP / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (TOP / "Makefile").read_text(encoding="utf-8")


def jobs() -> list[Any]:
    return [
        pytest.param(job, id=f"{path.stem}-{name}") for path in FILES for name, job in read_yaml(path)["jobs"].items()
    ]


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.get("steps", [])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_action_is_pinned_to_a_commit_and_says_of_which_version_it_is(path: Any) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
    assert used
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_allowed_but_what_a_job_asks_for(path: Any) -> None:
    assert read_yaml(path)["permissions"] == {}


@pytest.mark.parametrize("job", jobs())
def test_a_job_may_write_one_thing_at_most_and_keeps_no_password_in_its_clone(job: Any) -> None:
    assert "permissions" in job
    assert sum(right == "write" for right in job["permissions"].values()) <= 1
    for step in steps(job):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("job", jobs())
def test_what_others_chose_the_words_of_is_no_part_of_a_script(job: Any) -> None:
    for step in steps(job):
        assert "${{" not in step.get("run", "")
        assert "set -x" not in step.get("run", "")


@pytest.mark.parametrize("job", jobs())
def test_each_target_and_each_script_is_there(job: Any) -> None:
    for step in steps(job):
        for target in re.findall(r"^make ([\w-]+)", step.get("run", ""), re.MULTILINE):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
        for file in re.findall(r"(?:\bsh |python3 |^)((?:packaging|\.ci)/\S+)", step.get("run", ""), re.MULTILINE):
            assert (TOP / file).is_file()
        if file := step.get("with", {}).get("file"):
            assert (TOP / file).is_file()


def test_the_one_secret_is_githubs_own() -> None:
    used = {name for path in FILES for name in re.findall(r"secrets\.(\w+)", path.read_text(encoding="utf-8"))}
    assert used <= {"GITHUB_TOKEN"}


def test_nothing_is_published_that_was_not_tested() -> None:
    release = read_yaml(TOP / ".github" / "workflows" / "release.yml")["jobs"]

    def before(name: str) -> set[str]:
        needed = release[name].get("needs", [])
        direct = {needed} if isinstance(needed, str) else set(needed)
        return direct.union(*map(before, direct))

    for name, job in release.items():
        if "write" in job["permissions"].values():
            assert {"names", "tests"} <= before(name)


def test_the_project_says_that_it_is_the_version_it_is() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
