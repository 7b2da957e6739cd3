"""Reads a fitted stack, changes nothing: contributions, audit, displays and the report."""

from ._audit import audit
from ._contributions import view_contributions
from ._display_cascade import CascadeDisplay
from ._display_costs import PruningDisplay, ScoreDisplay, StrategyDisplay
from ._display_errors import ConfusionDisplay, ReliabilityDisplay, ResidualDisplay
from ._display_missing import MissingDisplay
from ._display_risk import RiskCoverageDisplay
from ._display_rows import HardestRowsDisplay, hardest_rows
from ._display_selection import SelectionDisplay
from ._display_weights import ContributionDisplay, TableDisplay, TaskContributionDisplay, ViewContributionDisplay
from ._report import write_report
from ._report_pictures import Picture
from ._report_sections import PICTURES

__all__ = [
    "PICTURES",
    "CascadeDisplay",
    "ConfusionDisplay",
    "ContributionDisplay",
    "HardestRowsDisplay",
    "MissingDisplay",
    "Picture",
    "PruningDisplay",
    "ReliabilityDisplay",
    "ResidualDisplay",
    "RiskCoverageDisplay",
    "ScoreDisplay",
    "SelectionDisplay",
    "StrategyDisplay",
    "TableDisplay",
    "TaskContributionDisplay",
    "ViewContributionDisplay",
    "audit",
    "hardest_rows",
    "view_contributions",
    "write_report",
]
