"""What documents over HTTP and in the database have in common."""

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A frozen document; every key it does not know is an error.

    Not strict, unlike ``Part``: JSON that was parsed before has lists for tuples
    and text for moments.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
