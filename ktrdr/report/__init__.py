"""Reports: a result as a page, a picture and numbers that people believe."""

from ktrdr.report.assumptions import replaced_settings
from ktrdr.report.files import ReportFiles, numbers, write_report
from ktrdr.report.model import ReportedModel, reported_model
from ktrdr.report.page import page, page_policy
from ktrdr.report.picture import picture
from ktrdr.report.verdict import Verdict, verdict_of

__all__ = [
    "ReportFiles",
    "ReportedModel",
    "Verdict",
    "numbers",
    "page",
    "page_policy",
    "picture",
    "replaced_settings",
    "reported_model",
    "verdict_of",
    "write_report",
]
