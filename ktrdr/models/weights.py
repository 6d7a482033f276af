"""Weights as safetensors bytes, read with suspicion."""

from collections.abc import Mapping
from math import prod

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from ktrdr.errors import BundleError
from ktrdr.schemas import Part, TensorRecord

# What a blob may hold beside the tensors: some hundred bytes for each.
LARGEST_HEADER = 2**20
_ITEM_BYTES = 4
_LENGTH_BYTES = 8


class _TensorHeader(Part):
    dtype: str
    shape: tuple[int, ...] = Field(max_length=8)
    data_offsets: tuple[int, int]


_HEADER = TypeAdapter(dict[str, _TensorHeader])


def weights_to_bytes(tensors: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Return ``tensors`` as safetensors: the same tensors give the same bytes.

    Raises
    ------
    BundleError
        If a tensor is not float32 or holds something that is not a finite number.
    """
    for name, tensor in tensors.items():
        if tensor.dtype != np.float32:
            raise BundleError(f"tensor {name} is {tensor.dtype}, expected float32")
    check_finite(tensors)
    ordered = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    return safetensors.numpy.save(ordered)


def weights_from_bytes(
    data: bytes, expected: Mapping[str, TensorRecord]
) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a safetensors blob, read-only.

    Parameters
    ----------
    data : bytes
        The blob, whole.
    expected : mapping of str to TensorRecord
        Every tensor that it must hold, and no other.

    Raises
    ------
    BundleError
        If the header is damaged, or names, types, shapes or places of the
        tensors are not the expected ones. All that is checked before anything
        is allocated.
    """
    header, start = _read_header(data)
    _check_header(header, expected, len(data) - start)
    tensors = {}
    for name, place in header.items():
        begin, end = (start + offset for offset in place.data_offsets)
        flat = np.frombuffer(data[begin:end], "<f4").astype(np.float32)
        tensors[name] = flat.reshape(place.shape)
        tensors[name].flags.writeable = False
    check_finite(tensors)
    return tensors


def tensor_bytes(records: Mapping[str, TensorRecord]) -> int:
    """Return how many bytes the tensors take, without a header."""
    return sum(prod(record.shape) * _ITEM_BYTES for record in records.values())


def check_finite(tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Raise BundleError if any weight is NaN or infinite."""
    for name, tensor in tensors.items():
        n_bad = int((~np.isfinite(tensor)).sum())
        if n_bad:
            raise BundleError(
                f"tensor {name} holds {n_bad} of {tensor.size} values that are not "
                "finite numbers; train the model anew"
            )


def _read_header(data: bytes) -> tuple[dict[str, _TensorHeader], int]:
    if len(data) < _LENGTH_BYTES:
        raise BundleError(f"the weights are cut off: {len(data)} bytes in all")
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    if start > len(data):
        raise BundleError(
            f"the weights are cut off or damaged: a header of {length} bytes is "
            f"declared, {len(data) - _LENGTH_BYTES} bytes follow"
        )
    try:
        return _HEADER.validate_json(data[_LENGTH_BYTES:start]), start
    except ValidationError as error:
        raise BundleError(
            f"the header of the weights is damaged: {error.errors()[0]['msg']}"
        ) from None


def _check_header(
    header: Mapping[str, _TensorHeader],
    expected: Mapping[str, TensorRecord],
    n_bytes: int,
) -> None:
    if header.keys() != expected.keys():
        raise BundleError(
            f"the weights hold tensors {sorted(header)}, expected {sorted(expected)}"
        )
    position = 0
    for name, place in sorted(header.items(), key=lambda item: item[1].data_offsets):
        record = expected[name]
        if (place.dtype, place.shape) != (record.dtype, record.shape):
            raise BundleError(
                f"tensor {name} is {place.dtype} of shape {list(place.shape)}, "
                f"expected {record.dtype} of shape {list(record.shape)}"
            )
        end = position + prod(record.shape) * _ITEM_BYTES
        if place.data_offsets != (position, end):
            raise BundleError(
                f"tensor {name} lies at bytes {list(place.data_offsets)}, "
                f"expected {[position, end]}"
            )
        position = end
    if position != n_bytes:
        raise BundleError(
            f"the weights hold {n_bytes} bytes of tensors, expected {position}"
        )
