import pytest
import torch
import torch.nn.functional as F

from ktrdr.neural.losses import make_loss
from ktrdr.strategy import CrossEntropyLoss, FocalLoss, HuberLoss, MseLoss

WEIGHTS = torch.tensor([0.5, 1.0, 3.0])


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(40, 3, generator=generator)
    return outputs, torch.randint(0, 3, (40,), generator=generator)


def naive_focal(outputs, targets, weights, gamma) -> float:
    total = weight_sum = 0.0
    for row, target in zip(outputs.double().softmax(dim=1), targets, strict=True):
        p = row[target].item()
        weight = weights[target].item()
        total += -weight * (1 - p) ** gamma * torch.tensor(p).double().log().item()
        weight_sum += weight
    return total / weight_sum


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_focal_equals_its_formula(batch, weights):
    loss = make_loss(FocalLoss(type="focal", gamma=2.0), weights)(*batch)
    own = torch.ones(3) if weights is None else weights
    expected = naive_focal(batch[0], batch[1], own, 2.0)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_focal_without_gamma_is_cross_entropy(batch):
    focal = make_loss(FocalLoss(type="focal", gamma=0.0), WEIGHTS)(*batch)
    plain = make_loss(CrossEntropyLoss(type="cross_entropy"), WEIGHTS)(*batch)
    torch.testing.assert_close(focal, plain)


def test_focal_has_a_finite_gradient_where_a_row_is_certain():
    outputs = torch.tensor([[1000.0, 0.0, 0.0]], requires_grad=True)
    loss = make_loss(FocalLoss(type="focal", gamma=0.5), None)
    loss(outputs, torch.tensor([0])).backward()
    assert outputs.grad is not None
    assert torch.isfinite(outputs.grad).all()


def test_cross_entropy_smooths_labels(batch):
    spec = CrossEntropyLoss(type="cross_entropy", label_smoothing=0.1)
    soft = F.one_hot(batch[1], 3) * 0.9 + 0.1 / 3
    expected = -(soft * batch[0].log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(make_loss(spec, None)(*batch), expected)


def test_a_class_weight_counts_like_so_many_rows(batch):
    outputs, targets = batch
    twice = torch.cat([outputs, outputs[targets == 2]])
    labels = torch.cat([targets, targets[targets == 2]])
    spec = CrossEntropyLoss(type="cross_entropy")
    weighted = make_loss(spec, torch.tensor([1.0, 1.0, 2.0]))(outputs, targets)
    torch.testing.assert_close(weighted, make_loss(spec, None)(twice, labels))


def test_huber_is_square_near_and_straight_far():
    loss = make_loss(HuberLoss(type="huber", delta=1.0), None)
    near = loss(torch.tensor([[0.5]]), torch.tensor([0.0]))
    far = loss(torch.tensor([[3.0]]), torch.tensor([0.0]))
    assert (near.item(), far.item()) == (0.125, 2.5)


def test_mse_is_the_mean_square():
    loss = make_loss(MseLoss(type="mse"), None)
    assert loss(torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 0.0])).item() == 5.0
