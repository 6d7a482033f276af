"""Deleting a model that results may refer to."""

from ktrdr.backtesting.result_store import list_results
from ktrdr.errors import ConflictError, InputError
from ktrdr.models import delete_model, find_model
from ktrdr.storage import ArtifactStore


def delete_named_model(store: ArtifactStore, text: str, *, force: bool) -> None:
    """List a model no more.

    Parameters
    ----------
    store : ArtifactStore
    text : str
        ``name@version`` or the manifest's whole digest; whatever may mean another
        model tomorrow is refused.
    force : bool
        Even if results refer to it.

    Raises
    ------
    InputError
        If ``text`` may mean another model tomorrow.
    NotFoundError
        If there is no such model.
    ConflictError
        If results refer to it.
    """
    ref = find_model(store, text)
    if text not in (str(ref), ref.digest):
        raise InputError(
            f"{text[:80]!r} may mean another model tomorrow; name the one to delete "
            f"as {ref}, or by its whole digest"
        )
    n_results = 0 if force else len(list_results(store, str(ref)))
    if n_results:
        raise ConflictError(
            f"{n_results} results refer to {ref}; they stay readable without it, but "
            "can't be made again: force (--force) deletes it all the same"
        )
    delete_model(store, ref)
