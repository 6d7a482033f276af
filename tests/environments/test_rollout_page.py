"""The last two phases of a rollout, done as their page says."""

import pytest

from tests.documents import section
from tests.environments.homelab import SECOND, Homelab

(PUBLISHED,) = section("docs/rollout.md", "6. Publish")
DEPLOY, _ON_A_GPU = section("docs/rollout.md", "7. Deploy")
READ = (PUBLISHED, DEPLOY)
pytestmark = pytest.mark.timeout(900)


def test_what_a_registry_gives_is_verified_and_deployed(page_homelab: Homelab):
    page_homelab.terminal.stand_ins = {"ghcr.io/OWNER": page_homelab.registry}
    # `verify` looks at what is here.
    reference = f"{page_homelab.registry}/ktrdr-backend:{SECOND}"
    page_homelab.engine.run("pull", reference)
    page_homelab.terminal.read(PUBLISHED)
    page_homelab.terminal.read(DEPLOY)
    page_homelab.serves(backend=SECOND, workers=SECOND)
