"""What continuous integration builds."""

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.matrix import matrix

MATRIX = matrix(load_contract())


def test_every_published_image_is_built_for_each_of_its_platforms():
    built = [(row["image"], row["arch"]) for row in MATRIX["build"]["include"]]
    assert built == [
        ("backend", "amd64"),
        ("backend", "arm64"),
        ("worker-cpu", "amd64"),
        ("worker-cpu", "arm64"),
        ("worker-gpu", "amd64"),
    ]


def test_each_is_built_on_a_machine_of_its_own_kind():
    for row in MATRIX["build"]["include"]:
        assert row["runner"].endswith("-arm") == (row["arch"] == "arm64")


def test_the_image_of_development_is_not_published():
    assert [row["image"] for row in MATRIX["image"]["include"]] == [
        "backend",
        "worker-cpu",
        "worker-gpu",
    ]
