"""Reports: a result as a page, a picture and numbers that people believe."""

from ktrdr.report.files import ReportFiles, write_report
from ktrdr.report.page import page
from ktrdr.report.picture import picture
from ktrdr.report.verdict import Verdict, verdict_of

__all__ = [
    "ReportFiles",
    "Verdict",
    "page",
    "picture",
    "verdict_of",
    "write_report",
]
