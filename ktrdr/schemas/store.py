"""The artifact store as it crosses HTTP."""

from ktrdr.schemas.document import Document


class RecordKeys(Document):
    """Keys of the records of one kind, sorted."""

    kind: str
    keys: tuple[tuple[str, ...], ...]
