"""What continuous integration builds, and on which machines."""

from ktrdr.cli.kinfra.images.contract import Contract

# Native machines: under emulation a build takes an hour.
_RUNNERS = {"linux/amd64": "ubuntu-24.04", "linux/arm64": "ubuntu-24.04-arm"}
Rows = list[dict[str, str]]


def matrix(contract: Contract) -> dict[str, dict[str, Rows]]:
    """Return the matrices ``build`` (image and platform) and ``image``.

    Both hold published images only, in the form that a workflow's ``matrix`` takes.
    """
    published = [image for image in contract.images if image.published]
    build = [
        {
            "image": image.key,
            "name": image.name,
            "platform": platform,
            "arch": platform.removeprefix("linux/"),
            "runner": _RUNNERS[platform],
        }
        for image in published
        for platform in image.platforms
    ]
    images = [{"image": image.key, "name": image.name} for image in published]
    return {"build": {"include": build}, "image": {"include": images}}
