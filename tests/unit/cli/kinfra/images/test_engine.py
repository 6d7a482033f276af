"""What is asked of a container engine, and how its answers are told."""

import pytest

from ktrdr.cli.kinfra.images.engine import Engine, EngineError
from ktrdr.errors import InputError, NotFoundError
from tests.unit.cli.kinfra.images.archives import COMPRESSIONS, image


def test_docker_comes_before_podman(engines):
    engines.install("docker")
    engines.install("podman")
    assert Engine.find() == Engine("docker")


def test_podman_is_found_where_docker_does_not_answer(engines):
    engines.install("docker")
    engines.install("podman")
    (engines.folder / "docker").write_text("#!/bin/sh\nexit 1\n")
    assert Engine.find() == Engine("podman")


@pytest.mark.parametrize("variable", ["DOCKER_HOST", "DOCKER_CONTEXT"])
def test_docker_on_a_host_that_is_named_is_not_changed_for_podman(
    engines, monkeypatch, variable
):
    engines.install("podman")
    monkeypatch.setenv("PATH", str(engines.folder))
    monkeypatch.setenv(variable, "far")
    # Podman's own users set that for programs that know docker alone.
    assert Engine.find() == Engine("podman")
    (engines.folder / "docker").write_text("#!/bin/sh\nexit 1\n")
    (engines.folder / "docker").chmod(0o755)
    with pytest.raises(InputError, match=r"\(docker: no answer\)"):
        Engine.find()
    assert Engine.find("podman") == Engine("podman")


def test_a_named_engine_is_taken_and_its_option_comes_first(engines, monkeypatch):
    engines.install("docker")
    engines.install("podman")
    monkeypatch.setenv("KTRDR_ENGINE", "podman")
    assert Engine.find() == Engine("podman")
    assert Engine.find("docker") == Engine("docker")


def test_where_none_answers_it_is_told_why(engines, monkeypatch):
    monkeypatch.setenv("PATH", str(engines.folder))
    engines.install("docker")
    engines.answer("info", code=1, err="Cannot connect to the daemon\n")
    with pytest.raises(InputError) as refused:
        Engine.find()
    assert "docker: Cannot connect to the daemon" in str(refused.value)
    assert "podman: not installed" in str(refused.value)


def test_another_host_needs_no_engine_here(engines):
    engines.install("docker")
    engines.install("podman")
    engines.answer("info", code=1, err="Cannot connect to the daemon\n")
    assert Engine.find(context="far") == Engine("docker")
    assert Engine.find("podman", "far") == Engine("podman")
    assert [call[1:3] for call in engines.calls] == [
        ["--context", "far"],
        ["--connection", "far"],
    ]


def test_another_hosts_engine_is_not_changed_for_one_that_answers(engines):
    engines.install("docker")
    engines.install("podman")
    engines.answer("--context far info", code=1, err="no route to host\n")
    with pytest.raises(InputError) as refused:
        Engine.find(context="far")
    assert "answers on far (docker: no route to host)" in str(refused.value)


def test_podman_that_would_not_heed_the_connection_is_refused(engines, monkeypatch):
    engines.install("podman")
    monkeypatch.setenv("CONTAINER_HOST", "unix:///elsewhere")
    with pytest.raises(InputError, match="heed CONTAINER_HOST and not far; unset"):
        Engine.find("podman", "far")
    assert Engine.find("podman") == Engine("podman")


def test_an_engine_of_another_kind_is_refused():
    with pytest.raises(InputError, match="'nerdctl' is no container engine"):
        Engine.find("nerdctl")


def test_a_call_gets_its_input_and_gives_its_output(docker):
    (docker.folder / "docker").write_text('#!/bin/sh\necho "$1: $(cat)"\n')
    assert Engine("docker").run("run", stdin="words") == "run: words\n"
    assert Engine("docker").run("run") == "run: \n"


def test_a_failure_tells_the_call_and_the_end_of_what_the_engine_said(docker):
    lines = "\n".join(f"line {number}" for number in range(50))
    docker.answer("pull", code=3, err=f"{lines}\nno such host\n")
    with pytest.raises(EngineError) as failed:
        Engine("docker").run("pull", "x")
    assert "`docker pull x` failed with exit code 3" in str(failed.value)
    assert str(failed.value).endswith("no such host")
    assert "line 10\n" not in str(failed.value)


def test_a_call_that_takes_too_long_ends(docker):
    (docker.folder / "docker").write_text("#!/bin/sh\necho begun\nexec sleep 60\n")
    done = Engine("docker").attempt("run", timeout_s=0.5)
    assert (done.code, done.out) == (124, "begun\n")
    assert "no end after 0.5 s" in done.err


def test_output_that_passes_through_leaves_standard_output_alone(docker, capfd):
    docker.answer("build", out="step 1\n")
    Engine("docker").stream("build", ".")
    assert capfd.readouterr() == ("", "step 1\n")
    docker.answer("push", code=1)
    with pytest.raises(EngineError, match="`docker push` failed with exit code 1"):
        Engine("docker").stream("push")


def test_an_image_weighs_what_its_layers_weigh(docker):
    docker.answer("history --no-trunc --human=false", out="5\n0\n37\n")
    assert Engine("docker").size_bytes("x:1") == 42
    # The answer of the store is enough; an archive would take a while.
    assert not [call for call in docker.calls if call[1] == "save"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_store_that_counts_blocks_does_not_change_what_an_image_weighs(
    engines, compression
):
    engines.install("docker")
    engines.answer("info --format {{.Driver}}", out="overlayfs\n")
    engines.answer("history", out="0\n8192\n4096\n")
    engines.give_away(
        image(compression, {"a": b"0" * 30, "b": b"1" * 7}, {"c": b"23456"})
    )
    assert Engine("docker").size_bytes("x:1") == 42


def test_podmans_own_figure_with_the_headers_of_archives_is_not_taken(engines):
    engines.install("podman")
    engines.answer("image inspect x:1", out='[{"Size": 2048}]')
    engines.give_away(image("plain", {"a": b"0" * 42}))
    assert Engine("podman").size_bytes("x:1") == 42
    assert engines.calls == [["podman", "save", "--format", "docker-archive", "x:1"]]


def test_an_image_that_can_not_be_weighed_says_why(engines):
    engines.install("podman")
    engines.answer("save", code=125, err="x:1: image not known\n")
    with pytest.raises(EngineError, match=r"exit code 125:\nx:1: image not known"):
        Engine("podman").size_bytes("x:1")
    engines.answer("save", out="words\n")
    with pytest.raises(EngineError, match="no archive of an image"):
        Engine("podman").size_bytes("x:1")


def test_an_image_that_is_not_there_says_how_to_have_it(docker):
    docker.answer("image inspect x:1", code=1, err="No such image")
    docker.answer("image inspect y:1", out='[{"Id": "sha256:1"}]')
    assert not Engine("docker").has_image("x:1")
    assert Engine("docker").inspect("y:1") == {"Id": "sha256:1"}
    with pytest.raises(NotFoundError, match=r"no image x:1.*kinfra images build"):
        Engine("docker").inspect("x:1")


def test_an_engine_tells_which_one_it_is(docker):
    docker.answer("--context far info --format {{.ID}} {{.Name}}", out="1-2 far\n")
    assert Engine("docker").identity("far") == "1-2 far"
