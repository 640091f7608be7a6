"""Sequences that the hunter found on real nodes, as cases of every run."""

from fixtures.api import Case, on_link, plays, requirement


@on_link("ieee802154")
@requirement("RFC4944-5.3-20")
def test_gap_behind_a_first_fragment(case: Case):
    """A FRAG1 of one octet and two FRAGNs with a hole between them: the DUT lives on and has room."""
    plays(
        case,
        """
        tester>dut c0f8770000
        tester>dut e0f87700010000000000000000
        tester>dut e0f87700030000000000000000
        """,
    )
