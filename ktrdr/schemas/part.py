"""What all documents have in common that come from a file or over HTTP."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# Names that become parts of feature ids.
IDENTIFIER_PATTERN = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
Identifier = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]


class Part(BaseModel):
    """One part of a document: frozen; every key it does not know is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, strict=True
    )
