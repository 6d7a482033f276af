"""``kinfra images build``: build images, or push one by digest."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrdr.cli.kinfra.images import build_options as options
from ktrdr.cli.kinfra.images.options import EngineName, EveryImage
from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from ktrdr.cli.kinfra.images.build import Built
    from ktrdr.cli.kinfra.images.recipe import Recipe


def build(
    images: options.Keys = None,
    every: EveryImage = False,
    target: options.Target = None,
    tag: options.Tag = None,
    platform: options.Platform = None,
    python: options.Python = None,
    wheels: options.Wheels = None,
    torch_index: options.TorchIndex = None,
    untrimmed: options.Untrimmed = False,
    no_cache: options.NoCache = False,
    push_by_digest: options.Repository = None,
    cache_from: options.Cache = None,
    cache_to: options.Cache = None,
    metadata_file: options.MetadataFile = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Build images; one that weighs more than its budget fails and gets no name."""
    from ktrdr.cli.kinfra.images.build import (
        Push,
        build_image,
        own_platform,
        push_image,
        source_identity,
    )
    from ktrdr.cli.kinfra.images.contract import load_contract
    from ktrdr.cli.kinfra.images.engine import Engine
    from ktrdr.cli.kinfra.images.recipe import Wishes, make_recipe

    contract, answering = load_contract(), Engine.find(engine)
    chosen = contract.images if every else tuple(map(contract.image, images or ()))
    _check_number(len(chosen), is_for_one=bool(tag or push_by_digest))
    _check_tags(tag or ())
    wishes = Wishes(
        platform=platform or own_platform(),
        python=python,
        wheels=wheels,
        torch_index=torch_index,
        is_slim=target == "slim",
        is_trimmed=not untrimmed,
        uses_cache=not no_cache,
    )
    identity = source_identity(contract.root)
    recipes = [make_recipe(contract, image, wishes, identity) for image in chosen]
    _tell_notes(recipes)
    if push_by_digest is not None:
        push = Push(
            repository=push_by_digest,
            cache_from=tuple(cache_from or ()),
            cache_to=tuple(cache_to or ()),
            metadata=metadata_file,
        )
        pushed = push_image(answering, recipes[0], contract.root, push)
        _print_pushed(recipes[0], pushed, as_json=as_json)
        return
    built = [build_image(answering, one, contract.root, tag or ()) for one in recipes]
    _print_built(built, as_json=as_json)


def _check_number(count: int, *, is_for_one: bool) -> None:
    from ktrdr.errors import InputError

    if count == 0:
        raise InputError("which image? Name keys of deploy/images.toml, or --all")
    if is_for_one and count > 1:
        raise InputError(
            f"--tag and --push-by-digest name one image, and these are {count}: "
            "build them one by one"
        )


def _check_tags(tags: Sequence[str]) -> None:
    import re

    from ktrdr.errors import InputError

    for tag in tags:
        # Else it would be refused by the engine when the build is done.
        if re.fullmatch(r"[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?", tag):
            continue
        raise InputError(
            f"--tag {tag!r} is no name of an image: expected such as ktrdr-backend:mine"
        )


def _tell_notes(recipes: Sequence["Recipe"]) -> None:
    from ktrdr.cli.output import notes

    for one in recipes:
        if one.note is not None:
            words = f"{one.image.key}: {one.note}"
            notes().print(words, markup=False, soft_wrap=True)


def _print_pushed(recipe: "Recipe", reference: str, *, as_json: bool) -> None:
    from ktrdr.cli.output import print_json

    if not as_json:
        sys.stdout.write(f"{reference}\n")
        return
    document = {"image": recipe.image.key, "platform": recipe.wishes.platform}
    print_json({**document, "reference": reference})


def _print_built(built: Sequence["Built"], *, as_json: bool) -> None:
    from dataclasses import asdict

    from ktrdr.cli.output import console, print_json

    if as_json:
        print_json({"images": [asdict(one) for one in built]})
        return
    for one in built:
        limit = "" if one.budget_mb is None else f" of {one.budget_mb:,}"
        names = ", ".join(one.references)
        words = f"{names}: {one.size_mb:,.1f}{limit} MB, Python {one.python}"
        console().print(words, markup=False, soft_wrap=True)
