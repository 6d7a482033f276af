"""Names of images: their parts, and the one that somebody wants to deploy."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ktrdr.errors import InputError

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"(?:(?P<name>[\w./:-]+)@)?(?P<digest>sha256:[0-9a-f]{64})")

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    # A registry is told by a dot, a port, or this one name.
    r"(?:(?:localhost|[\w-]+(?:\.[\w-]+)+|[\w.-]+:\d+)(?::\d+)?/)?"
    rf"{_PART}(?:/{_PART})*"
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


def refuse_invalid(reference: str) -> None:
    """Raise if no image can have this name.

    Raises
    ------
    InputError
        Tells what such names look like.
    """
    if not _REFERENCE.fullmatch(reference):
        raise InputError(
            f"{reference[:200]!r} can't name an image: expected "
            "REGISTRY/OWNER/NAME:TAG in small letters; fill in KTRDR_REGISTRY and "
            "IMAGE_TAG in .env"
        )


def repository(reference: str) -> str:
    """Return a reference without its tag and digest."""
    name = reference.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    # What stands before a slash is the port of a registry.
    return head if colon and "/" not in tail else name


def short_name(reference: str) -> str:
    """Return the last part of the repository, such as ``ktrdr-backend``."""
    return repository(reference).rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which images somebody wants, besides what the project's variables say.

    Attributes
    ----------
    tag : str or None
        For all images that no digest is given for.
    digests : mapping of str to str
        By short name; the empty one is for the only image that there is.
    """

    tag: str | None
    digests: dict[str, str]

    @classmethod
    def parse(cls, tag: str | None, digests: Sequence[str]) -> "Wanted":
        """Read what was given on the command line.

        Raises
        ------
        InputError
            If it is no tag or digest.
        """
        if tag is not None and not _TAG.fullmatch(tag):
            raise InputError(
                f"{tag[:80]!r} is no tag of an image; expected such as "
                "sha-0123456789ab, without the image's name"
            )
        found: dict[str, str] = {}
        for given in digests:
            match = _DIGEST.fullmatch(given)
            if match is None:
                raise InputError(
                    f"{given[:120]!r} is no digest; expected sha256: and 64 "
                    "hexadecimal digits, after NAME@ if there are several images"
                )
            name = short_name(match["name"]) if match["name"] else ""
            if name in found:
                raise InputError(f"two digests were given for {name or 'one image'}")
            found[name] = match["digest"]
        return cls(tag=tag, digests=found)

    def references(self, rendered: Sequence[str]) -> dict[str, str]:
        """Return what to deploy for each reference of the rendered project.

        Raises
        ------
        InputError
            If the digests are not for these images.
        """
        names = {short_name(one) for one in rendered}
        self._refuse_misfits(names)
        return {one: self._reference(one) for one in rendered}

    def _reference(self, rendered: str) -> str:
        origin = repository(rendered)
        digest = self.digests.get(short_name(rendered)) or self.digests.get("")
        if digest is not None:
            return f"{origin}@{digest}"
        return rendered if self.tag is None else f"{origin}:{self.tag}"

    def _refuse_misfits(self, names: set[str]) -> None:
        known = ", ".join(sorted(names))
        if "" in self.digests and (len(names) > 1 or len(self.digests) > 1):
            raise InputError(
                f"a digest without a name is for one image, and there are {known}: "
                "give NAME@sha256:... for each"
            )
        unknown = set(self.digests) - names - {""}
        if unknown:
            raise InputError(
                f"a digest was given for {', '.join(sorted(unknown))}, which is not "
                f"among the images that would be deployed: {known}"
            )
        missing = names - set(self.digests)
        if self.digests and "" not in self.digests and missing and self.tag is None:
            raise InputError(
                f"no digest was given for {', '.join(sorted(missing))}: give one for "
                "each image, or --tag for the others"
            )
