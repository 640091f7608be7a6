"""Mutants that forget in the frame budget what security takes (RFC 4944 §4)."""

from __future__ import annotations

from rigs.links.ot_security.link import OVERHEAD
from tests.mutants import SECURED, mutant
from tests.variants.secured import MODE, SecuredNode


@mutant("secured-mic-not-counted", requirement="RFC4944-4-03", rig=SECURED)
class MicNotCounted(SecuredNode):
    """Fills its frames and leaves no room for the MIC, so that they are longer than the PHY carries."""

    def room(self, info):
        return super().room(info) + 4


@mutant("secured-header-not-counted", requirement="RFC4944-4-03", rig=SECURED)
class SecurityNotCounted(SecuredNode):
    """Fills its frames as if none of them was secured."""

    def room(self, info):
        return super().room(info) + OVERHEAD[MODE]
