"""What the programs in ``probes`` find inside an image."""

from pydantic import BaseModel, ConfigDict


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileFacts(_Facts):
    """What lies in the file system; all are paths.

    Attributes
    ----------
    set_id : list of str
        Files that run as somebody else.
    shells, installers, build_tools : list of str
        Programs of these kinds.
    not_roots : list of str
        What no user or group of the system owns, outside ktrdr's own folder.
    writable : list of str
        What everybody may change.
    secrets : list of str
        Files that hold a key or a password, or are named as such files are.
    other_packages : list of str
        Packages of Python outside the environment.
    left_behind : list of str
        Folders of caches and sources that a build forgot.
    foreign_certificates : list of str
        Certificates that the distribution does not trust.
    n_certificates : int
        All that are trusted.
    home_owner : str or None
        Numbers of the owner of ktrdr's own folder; None without it.
    """

    set_id: list[str]
    shells: list[str]
    installers: list[str]
    build_tools: list[str]
    not_roots: list[str]
    writable: list[str]
    secrets: list[str]
    other_packages: list[str]
    left_behind: list[str]
    foreign_certificates: list[str]
    n_certificates: int
    home_owner: str | None


class BuildFacts(BaseModel):
    """The file ``/build-info.json``."""

    model_config = ConfigDict(frozen=True)

    version: str
    commit: str
    lock: str
    image: str
    accelerator: str
    torch: str | None
    python: str


class ProcessFacts(_Facts):
    """What a program sees.

    Attributes
    ----------
    user : str
        Numbers of user and group.
    python : str
        Release of Python.
    prefix : str
        Environment that ``python`` belongs to.
    init : list of str
        Command line of the first process.
    markers : dict of str to str
        What requirements are told apart by, such as ``platform_machine``.
    packages : dict of str to str
        Installed packages and their releases.
    build : BuildFacts or None
        Build information; None without the file.
    is_root_read_only : bool
        Whether the root file system is mounted so that nobody can write it.
    capabilities : str
        What the program may do beyond its user and what it might gain, in hexadecimal;
        zeros are none.
    """

    user: str
    python: str
    prefix: str
    init: list[str]
    markers: dict[str, str]
    packages: dict[str, str]
    build: BuildFacts | None
    is_root_read_only: bool
    capabilities: str


class ImportFacts(_Facts):
    """How imports came out.

    Attributes
    ----------
    failed : dict of str to str
        Modules that could not be imported, and why.
    present : list of str
        Unwanted modules that can be found.
    reached : list of str
        Unwanted modules that ktrdr tried to import, and which module did.
    n_imported : int
        Modules that could be imported.
    """

    failed: dict[str, str]
    present: list[str]
    reached: list[str]
    n_imported: int


class TorchFacts(_Facts):
    """What torch says of itself.

    Attributes
    ----------
    version : str
    cuda, hip : str or None
        Release that it was built for.
    has_driver : bool
        Whether the engine put a GPU's device or driver into the container.
    sees_gpu : bool
        Whether there is a GPU that it can use.
    """

    version: str
    cuda: str | None
    hip: str | None
    has_driver: bool
    sees_gpu: bool
