"""What may lie in an image's file system, after the rules that CIS gives for images."""

from ktrdr.cli.kinfra.images.verify.check import Fault, require_none
from ktrdr.cli.kinfra.images.verify.subject import HOME, Subject


def set_id(subject: Subject) -> str:
    """Find files that run as somebody else than who starts them."""
    require_none(subject.files.set_id, "files with setuid or setgid")
    return "none"


def programs(subject: Subject) -> str:
    """Find shells, package managers and build tools."""
    files = subject.files
    # An image for debugging or development has the first three by purpose.
    if subject.is_assembled:
        require_none(files.shells, "shells")
        require_none(files.installers, "package managers")
        require_none(files.other_packages, "packages outside the environment")
    require_none(files.build_tools, "build tools")
    return "none" if subject.is_assembled else "no build tool"


def ownership(subject: Subject) -> str:
    """Hold the files to belong to root, and ktrdr's folder to who runs."""
    files = subject.files
    require_none(files.not_roots, f"files outside {HOME} that are not the system's")
    require_none(files.writable, "files that everybody may change")
    if files.home_owner != subject.contract.user:
        raise Fault(
            f"{HOME} belongs to {files.home_owner or 'nobody, as it is not there'}, "
            f"expected {subject.contract.user}"
        )
    return f"the system's, but for {HOME}"


def left_behind(subject: Subject) -> str:
    """Find caches and sources that a build forgot."""
    require_none(subject.files.left_behind, "caches or sources left by the build")
    return "nothing"


def secrets(subject: Subject) -> str:
    """Find keys, passwords and settings of the machine that built it."""
    require_none(subject.files.secrets, "files that hold secrets or are named so")
    return "none"


def certificates(subject: Subject) -> str:
    """Hold the trusted certificates to those of the distribution."""
    files = subject.files
    require_none(
        files.foreign_certificates, "trusted certificates not of the distribution"
    )
    if not files.n_certificates:
        raise Fault("no certificate is trusted, so no server can be told from another")
    return f"{files.n_certificates}, all of the distribution"


def read_only(subject: Subject) -> str:
    """Make sure that what the checks run can't write the root and has no privilege."""
    process = subject.process
    if not process.is_root_read_only:
        raise Fault(
            "the root can be written despite --read-only, so no check tells whether "
            "the image runs without that"
        )
    if int(process.capabilities, 16):
        raise Fault(
            f"the capabilities {process.capabilities} are there despite --cap-drop=ALL"
        )
    return "read-only root, no capability"
