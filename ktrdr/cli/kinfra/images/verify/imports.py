"""What can be imported, what can't, and which torch it is."""

from ktrdr.cli.kinfra.images.contract import Contract
from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked, require_none
from ktrdr.cli.kinfra.images.verify.facts import TorchFacts
from ktrdr.cli.kinfra.images.verify.subject import Subject


def imports(subject: Subject) -> str:
    """Import what must be there and all of ktrdr that the image can run."""
    facts = subject.imports
    failed = [f"{name} ({why})" for name, why in facts.failed.items()]
    require_none(failed, "modules can't be imported")
    return f"{facts.n_imported} modules"


def non_imports(subject: Subject) -> str:
    """Make sure that unwanted modules are neither there nor asked for by ktrdr."""
    facts = subject.imports
    require_none(facts.present, "modules are there that must not be")
    require_none(facts.reached, "unwanted modules that ktrdr imports")
    return f"{len(subject.image.must_not_import)} modules are not there"


def torch_build(subject: Subject) -> str:
    """Hold torch's release and build to the table."""
    if subject.image.accelerator == "none":
        raise NotChecked("the image has no torch")
    facts = subject.ask("torch_build", TorchFacts)
    problem = torch_problem(facts, subject.image.accelerator, subject.contract)
    if problem:
        raise Fault(problem)
    return f"{facts.version}, CUDA {facts.cuda or 'none'}"


def torch_problem(
    facts: TorchFacts, accelerator: str, contract: Contract
) -> str | None:
    """Return what is wrong with torch, if anything."""
    release = facts.version.partition("+")[0]
    if release != contract.torch_release:
        return f"torch {release}, expected {contract.torch_release}"
    if facts.hip is not None:
        return f"torch is built for ROCm {facts.hip}, expected {accelerator}"
    if accelerator == "cpu":
        built = facts.cuda
        return f"torch is built for CUDA {built}, expected the CPU" if built else None
    wanted = contract.torch_builds["cuda"]
    # CUDA 13.0 is cu130 in the names of torch's builds.
    found = f"cu{facts.cuda.replace('.', '')}" if facts.cuda else "the CPU"
    return f"torch is built for {found}, expected {wanted}" if found != wanted else None
