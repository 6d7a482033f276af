"""What the workflows promise: nothing gets a tag that was not verified."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.matrix import matrix
from ktrdr.cli.kinfra.main import app

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in FOLDER.iterdir()}
PUBLISHING: dict[str, Any] = WORKFLOWS["build-images.yml"]["jobs"]
ACTIONS = sorted((ROOT / ".github").rglob("*.yml"))
KINFRA = yaml.safe_load((ROOT / ".github/actions/kinfra/action.yml").read_text())
# What can bring a program onto a machine.
FETCHES = re.compile(
    r"\b(pip3? install|uv (pip|sync|run|tool)"
    r"|make|uvx|pipx|npm|npx|apt|apt-get|curl|wget)\b"
)
READS = {"contents": "read"}
# All that any job may do beyond reading the source.
PERMISSIONS = {
    "build": {"contents": "read", "packages": "write"},
    "verify": {"contents": "read", "packages": "read"},
    "publish": {"contents": "read", "packages": "write", "id-token": "write"},
    "latest": {"packages": "write"},
}
WRITES_TAGS = re.compile(
    r"imagetools create|cosign (sign|attest)|--tag\b|--push(?!-by-digest)"
)


def lint(*files: Path) -> subprocess.CompletedProcess[str]:
    bin_folder = Path(sys.executable).parent
    shellcheck = f"-shellcheck={bin_folder / 'shellcheck'}"
    command = [str(bin_folder / "actionlint"), "-no-color", shellcheck]
    command += map(str, files)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_actionlint_finds_nothing():
    done = lint(*sorted(FOLDER.iterdir()))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("needs: [plan, verify]", "needs: [plan, verified]"),
        ("needs.plan.outputs.registry", "needs.plan.outputs.register"),
        ('"$REFERENCE"', "$REFERENCE"),
    ],
    ids=["unknown job", "unknown output", "unquoted variable"],
)
def test_actionlint_finds_what_is_planted(tmp_path: Path, right: str, wrong: str):
    text = (FOLDER / "build-images.yml").read_text()
    assert right in text
    planted = tmp_path / "planted.yml"
    planted.write_text(text.replace(right, wrong))
    assert lint(planted).returncode == 1


def test_actions_are_pinned_by_commit_and_name_their_release():
    pins: dict[str, set[str]] = {}
    for path in ACTIONS:
        for used in re.findall(r"\buses: (.+)", path.read_text()):
            if used.startswith("./"):
                continue
            name, pin = used.split("@")
            assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", pin), used
            pins.setdefault(name, set()).add(pin)
    assert pins
    assert all(len(found) == 1 for found in pins.values()), pins


@pytest.mark.parametrize("name", WORKFLOWS)
def test_jobs_may_do_no_more_than_they_need(name: str):
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == READS
    asked = {
        job: fields["permissions"]
        for job, fields in workflow["jobs"].items()
        if "permissions" in fields
    }
    assert asked == (PERMISSIONS if name == "build-images.yml" else {})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_scripts_stop_at_the_first_failure(name: str):
    """Without a named shell, what fails before the last of a pipe is not seen."""
    assert WORKFLOWS[name]["defaults"]["run"]["shell"] == "bash"
    text = (FOLDER / name).read_text()
    assert "continue-on-error" not in text
    # `echo "x=$(command)"` succeeds whatever the command does.
    assert not re.search(r"echo .*\$\(", text)


def test_publishing_runs_of_one_branch_wait_for_one_another():
    assert WORKFLOWS["build-images.yml"]["concurrency"] == {
        "group": "images-${{ github.ref }}",
        "cancel-in-progress": False,
    }


def test_newer_commit_cancels_the_checks_of_a_pull_request_alone():
    """In one group, a newer run cancels the one that waits, whatever it says."""
    is_pull = "github.event_name == 'pull_request'"
    assert WORKFLOWS["ci.yml"]["concurrency"] == {
        "group": f"ci-${{{{ {is_pull} && github.ref || github.sha }}}}",
        "cancel-in-progress": f"${{{{ {is_pull} }}}}",
    }


def runs(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def unhashed(script: str) -> list[str]:
    """Return the lines of a script that fetch what no hash of ours pins."""
    lines = script.replace("\\\n", " ").splitlines()
    editable = "install --quiet --no-deps --no-build-isolation --editable ."
    return [
        line
        for line in lines
        if FETCHES.search(line)
        and "--require-hashes" not in line
        and not re.sub(" +", " ", line).endswith(editable)
    ]


def test_what_leads_to_a_signature_runs_hashed_packages_alone():
    own = {used for job in PUBLISHING.values() for used in uses(job) if used[0] == "."}
    assert own == {"./.github/actions/kinfra"}
    assert runs(KINFRA["runs"]).count("--require-hashes") == 2
    for job in (*PUBLISHING.values(), KINFRA["runs"]):
        assert not unhashed(runs(job))


@pytest.mark.parametrize(
    "line",
    [
        "uv pip install --python here --group images",
        "python -m pip install --quiet \\\n  --no-deps syft",
        "pip install --quiet --no-deps --no-build-isolation --editable . syft",
        "make quality",
        "curl -sSf https://example.org/install.sh | sh",
    ],
)
def test_package_without_a_hash_is_noticed(line: str):
    assert unhashed(f"set -e\n{line}\n")


def uses(job: dict[str, Any]) -> list[str]:
    return [step["uses"] for step in job["steps"] if "uses" in step]


def needed(job: str) -> set[str]:
    """Return the jobs that must succeed before ``job`` starts."""
    needs = PUBLISHING[job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*map(needed, direct))


def test_no_job_starts_after_a_failure():
    """A condition with a status function would override what a job needs."""
    conditions = [
        str(one.get("if", ""))
        for job in PUBLISHING.values()
        for one in (job, *job["steps"])
    ]
    functions = re.compile(r"always|failure|cancelled|success|!")
    assert not [text for text in conditions if functions.search(text)]


def test_tags_are_written_only_after_every_verification():
    writers = {
        name for name, job in PUBLISHING.items() if WRITES_TAGS.search(runs(job))
    }
    assert writers == {"publish", "latest"}
    assert all("verify" in needed(name) for name in writers)
    assert "publish" in needed("latest")


def test_latest_moves_only_on_main_and_in_one_job():
    moving = [name for name, job in PUBLISHING.items() if ":latest" in runs(job)]
    assert moving == ["latest"]
    assert PUBLISHING["latest"]["if"] == "github.ref == 'refs/heads/main'"
    assert "strategy" not in PUBLISHING["latest"]


@pytest.mark.parametrize("forged", ["ktrdr-backend", "ktrdr-worker-gpu"])
def test_one_forged_signature_keeps_every_latest(tmp_path: Path, forged: str):
    assert move_latest(tmp_path, forged=forged) == []


def test_latest_of_all_images_moves_to_the_commit(tmp_path: Path):
    assert move_latest(tmp_path, forged="nobody") == [
        f"--tag registry/{name}:latest registry/{name}:sha-1"
        for name in ("ktrdr-backend", "ktrdr-worker-gpu")
    ]


def move_latest(folder: Path, *, forged: str) -> list[str]:
    """Run the job's script with stand-ins; return what became a tag."""
    tags = folder / "tags"
    tags.touch()
    path = stand_ins(
        folder,
        cosign=f'case "$*" in *{forged}:*) exit 1;; esac',
        docker=f'shift 3; echo "$@" >> {tags}',
    )
    environment = {
        "PATH": path,
        "IDENTITY": "workflow",
        "NAMES": "ktrdr-backend ktrdr-worker-gpu",
        "REGISTRY": "registry",
        "TAG": "sha-1",
    }
    script = runs(PUBLISHING["latest"])
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], env=environment)
    return tags.read_text().splitlines()


def stand_ins(folder: Path, **scripts: str) -> str:
    """Write programs of these names; return the PATH that finds them first."""
    programs = folder / "bin"
    programs.mkdir()
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return f"{programs}:{os.defpath}"


def test_what_is_verified_is_what_was_pushed():
    built, verified = PUBLISHING["build"], PUBLISHING["verify"]
    assert built["strategy"]["matrix"] == verified["strategy"]["matrix"]
    assert built["runs-on"] == verified["runs-on"] == "${{ matrix.runner }}"
    assert "--push-by-digest" in runs(built)
    assert "imagetools" not in runs(built)
    proof = next(step for step in verified["steps"] if "images verify" in str(step))
    assert proof["env"]["IMAGE"] == "${{ matrix.image }}"
    calls = [one for one in proof["run"].splitlines() if "images verify" in one]
    # Not as what the label of whatever was pushed says.
    assert [one.strip() for one in calls] == [
        'kinfra images verify "$reference" --as "$IMAGE"'
    ]
    uploads = artifact_names(verified, "upload")
    assert artifact_names(built, "upload") == artifact_names(verified, "download")
    assert uploads == {"verified-${{ matrix.image }}-${{ matrix.arch }}"}
    assert artifact_names(PUBLISHING["publish"], "download") == {
        "built-${{ matrix.image }}-*",
        "verified-${{ matrix.image }}-*",
    }


def artifact_names(job: dict[str, Any], verb: str) -> set[str]:
    return {
        step["with"].get("name") or step["with"]["pattern"]
        for step in job["steps"]
        if f"/{verb}-artifact@" in step.get("uses", "")
    }


# What the registry answers for two platforms that were merged.
INDEX = """{"manifests": [
    {"digest": "sha256:a1", "platform": {"architecture": "amd64"}},
    {"digest": "sha256:b2", "platform": {"architecture": "arm64"}},
    {"digest": "sha256:c3", "platform": {"architecture": "unknown"}}
]}"""


def test_merged_digests_are_those_that_were_pushed(tmp_path: Path):
    assert publish(tmp_path) == [
        "buildx imagetools create --tag registry/image:sha-1 image@amd64 image@arm64",
        "sign --yes --recursive registry/image@sha256:merged",
    ] + [
        "attest --yes --type spdxjson "
        f"--predicate verified/{arch}/image.spdx.json registry/image@sha256:{digest}"
        for arch, digest in [("amd64", "a1"), ("arm64", "b2")]
    ]


def test_digest_that_verify_changed_gets_no_tag(tmp_path: Path):
    assert publish(tmp_path, verified={"amd64": "other@amd64"}) == []


def test_platform_that_was_not_verified_keeps_all_from_a_tag(tmp_path: Path):
    assert publish(tmp_path, verified={"arm64": ""}) == []


def publish(folder: Path, *, verified: dict[str, str] | None = None) -> list[str]:
    """Run the job's scripts with stand-ins; return what they wrote to the registry."""
    for arch in ("amd64", "arm64"):
        handed_on = {"built": f"image@{arch}", "verified": f"image@{arch}"}
        handed_on["verified"] = (verified or {}).get(arch, handed_on["verified"])
        for kind, reference in handed_on.items():
            if reference:
                written = folder / kind / arch / "built.json"
                written.parent.mkdir(parents=True)
                written.write_text(f'{{"reference": "{reference}"}}')
        (folder / "verified" / arch).mkdir(exist_ok=True)
        (folder / "verified" / arch / "image.spdx.json").touch()
    calls = folder / "calls"
    calls.touch()
    (folder / "index.json").write_text(INDEX)
    docker = f"""\
case "$*" in
*--raw) cat {folder}/index.json;;
*--format*) echo '{{"digest": "sha256:merged"}}';;
*) echo "$@" >> {calls};;
esac"""
    path = stand_ins(folder, docker=docker, cosign=f'echo "$@" >> {calls}')
    environment = {
        "PATH": path,
        "IMAGE": "registry/image:sha-1",
        "REFERENCE": "registry/image@sha256:merged",
        "GITHUB_OUTPUT": str(folder / "output"),
    }
    # As there, each step ends the job when it fails.
    for step in PUBLISHING["publish"]["steps"]:
        command = ["bash", "-eo", "pipefail", "-c", step.get("run", "")]
        done = subprocess.run(command, cwd=folder, env=environment)
        if done.returncode:
            break
    return calls.read_text().splitlines()


def test_nothing_deletes_published_images():
    text = (FOLDER / "build-images.yml").read_text().lower()
    assert "delete" not in text
    assert "prune" not in text


def test_matrix_is_the_table():
    """Three images, each on all its platforms, on machines of that kind."""
    contract = load_contract()
    rows = matrix(contract)
    images = [row["image"] for row in rows["image"]["include"]]
    assert images == ["backend", "worker-cpu", "worker-gpu"]
    built = [(row["image"], row["platform"]) for row in rows["build"]["include"]]
    assert built == [
        (key, platform) for key in images for platform in contract.image(key).platforms
    ]
    assert ("worker-gpu", "linux/arm64") not in built
    for row in rows["build"]["include"]:
        assert row["runner"].endswith("-arm") == (row["arch"] == "arm64")
        assert row["name"] == contract.image(row["image"]).name


def test_workflow_uses_only_what_the_matrix_has():
    rows = matrix(load_contract())
    for name, part in [("build", "build"), ("verify", "build"), ("publish", "image")]:
        job = PUBLISHING[name]
        assert job["strategy"]["matrix"].endswith(f".{part} }}}}")
        used = set(re.findall(r"\bmatrix\.(\w+)", yaml.safe_dump(job)))
        assert used <= set(rows[part]["include"][0]), name


def test_all_supported_pythons_are_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    prefix = "Programming Language :: Python :: "
    supported = [
        one.removeprefix(prefix)
        for one in project["classifiers"]
        if one.startswith(prefix)
    ]
    tested = WORKFLOWS["ci.yml"]["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert tested == supported


def commands(program: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of ``program`` in the workflows."""
    for workflow in WORKFLOWS.values():
        for job in workflow["jobs"].values():
            script = runs(job).replace("\\\n", " ")
            for call in re.findall(rf"\b{program} ([^\n|)>]+)", script):
                yield shlex.split(call)


def test_workflows_call_commands_that_exist():
    """What runs there is what runs here, with options that it has."""
    called = set()
    for arguments in commands("kinfra"):
        command: Any = typer.main.get_command(app)
        path = []
        while hasattr(command, "commands"):
            path.append(arguments.pop(0))
            command = command.commands[path[-1]]
        command.make_context(" ".join(path), arguments)
        called.add(" ".join(path))
    verbs = ["build", "matrix", "sbom", "verify"]
    assert called == {f"images {verb}" for verb in verbs}


def test_all_tests_are_run_as_make_test_runs_them():
    """Without its options, modules that share what is costly each make it again."""
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^test: .*\n\t\$\(BIN\)/(pytest .+)", makefile, re.M)
    assert recipe is not None
    assert f".venv/bin/{recipe[1]}" in runs(WORKFLOWS["ci.yml"]["jobs"]["tests"])


def test_workflows_make_targets_that_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    targets.add(".venv/.ready-dev")
    called = {
        word for arguments in commands("make") for word in arguments if "=" not in word
    }
    assert called == called & targets
    assert {"quality", "locks", "test-images"} <= called


def test_images_that_need_no_gpu_are_built_and_verified_at_every_change():
    """An image over its budget fails to build, one that imports torch to verify."""
    images = WORKFLOWS["ci.yml"]["jobs"]["images"]
    keys = {
        image.key for image in load_contract().images if image.accelerator != "cuda"
    }
    for verb in ("build", "verify"):
        call = re.search(rf"kinfra images {verb} (.+)", runs(images))
        assert call is not None
        assert set(call[1].split()) == keys
    # PyYAML reads the key `on` as YAML 1.1 does.
    assert {"push", "pull_request"} <= set(WORKFLOWS["ci.yml"][True])
