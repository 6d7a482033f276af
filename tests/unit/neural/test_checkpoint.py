import errno
import json
import struct

import pytest
import torch

from ktrdr.errors import ConflictError, InputError
from ktrdr.neural import Checkpoint, fit_network
from ktrdr.progress import NoProgress
from tests.unit.neural.specs import SMALL, class_samples, training_spec

IDENTITY = {"strategy": "aaa", "seed": "1"}


@pytest.fixture
def written(tmp_path) -> Checkpoint:
    checkpoint = Checkpoint(tmp_path / "deep" / "run.safetensors", IDENTITY)
    fit_network(
        class_samples(),
        class_samples(),
        model=SMALL,
        n_outputs=3,
        spec=training_spec(),
        checkpoint=checkpoint,
    )
    return checkpoint


def test_a_snapshot_comes_back_as_it_was(written):
    snapshot = written.read()
    assert snapshot is not None
    assert snapshot.state["epoch"] == 4
    assert snapshot.state["batch"] == 0
    again = Checkpoint(written.path.with_name("copy.safetensors"), IDENTITY)
    again.write(snapshot)
    copy = again.read()
    assert copy is not None
    assert copy.state == snapshot.state
    for name, tensor in snapshot.tensors.items():
        assert torch.equal(tensor, copy.tensors[name])


def test_it_holds_all_that_a_resumption_needs(written):
    snapshot = written.read()
    assert set(snapshot.tensors) >= {
        "weights",
        "best_weights",
        "dropout_generator",
        "loss_sum",
        "optimizer.exp_avg",
        "optimizer.exp_avg_sq",
        "optimizer.step",
    }
    assert snapshot.state["optimizer"][0]["lr"] == 1e-3
    assert snapshot.state["scheduler"]["last_epoch"] == 4
    assert snapshot.state["order"]["bit_generator"] == "PCG64"
    assert snapshot.state["kernels"]["cpu"]


def test_no_temporary_file_stays(written):
    assert list(written.path.parent.iterdir()) == [written.path]


def test_a_write_that_fails_leaves_the_checkpoint_before(written, monkeypatch):
    snapshot = written.read()
    before = written.path.read_bytes()

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        written.write(snapshot)
    assert list(written.path.parent.iterdir()) == [written.path]
    assert written.path.read_bytes() == before


def test_a_file_that_does_not_exist_is_no_snapshot(tmp_path):
    assert Checkpoint(tmp_path / "none", IDENTITY).read() is None


def test_another_runs_checkpoint_is_refused_with_what_differs(written):
    other = Checkpoint(written.path, {"strategy": "aaa", "seed": "2", "data": "d"})
    with pytest.raises(
        ConflictError, match="data was not given, is d; seed was 1, is 2"
    ):
        other.read()


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_a_cut_file_is_damaged(written, cut):
    written.path.write_bytes(written.path.read_bytes()[:cut])
    with pytest.raises(InputError, match="start anew without --resume"):
        written.read()


def test_any_changed_byte_is_noticed(written):
    data = written.path.read_bytes()
    header = 8 + struct.unpack("<Q", data[:8])[0]
    texts = [data.index(word) for word in (b"identity", b"state")]
    # Inside each text, past its name and the first quotes.
    for position in (*(text + 14 for text in texts), header, len(data) - 1):
        changed = bytearray(data)
        changed[position] ^= 1
        written.path.write_bytes(bytes(changed))
        with pytest.raises(InputError, match="can't be read"):
            written.read()


def test_a_changed_state_is_noticed(written):
    data = written.path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["state"] = header["__metadata__"]["state"].replace(
        '"epoch": 4', '"epoch": 3'
    )
    text = json.dumps(header).encode()
    written.path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    with pytest.raises(InputError, match="does not match its hash"):
        written.read()


def test_a_safetensors_file_of_something_else_is_refused(written):
    from safetensors.torch import save_file

    save_file({"weights": torch.zeros(3)}, written.path)
    with pytest.raises(InputError, match="no checkpoint of this version"):
        written.read()


def test_a_finished_training_is_not_repeated(written):
    class Silent(NoProgress):
        def advance(self, done, message=""):
            raise AssertionError("it trained again")

        def note(self, message):
            raise AssertionError(message)

    fitted = fit_network(
        class_samples(),
        class_samples(),
        model=SMALL,
        n_outputs=3,
        spec=training_spec(),
        checkpoint=written,
        resume=True,
        progress=Silent(),
    )
    assert fitted.n_epochs == 4


def test_other_kernels_are_noted(written):
    notes: list[str] = []

    class Listener(NoProgress):
        def note(self, message):
            notes.append(message)

    fit_network(
        class_samples(),
        class_samples(),
        model=SMALL,
        n_outputs=3,
        spec=training_spec(),
        threads=2,
        checkpoint=written,
        resume=True,
        progress=Listener(),
    )
    assert len(notes) == 1
    assert "2 threads" in notes[0]
