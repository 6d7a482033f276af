"""Prove a built image from the inside."""

from ktrdr.cli.kinfra.images.verify.check import Check
from ktrdr.cli.kinfra.images.verify.report import Report, absence_report, print_reports
from ktrdr.cli.kinfra.images.verify.run import verify_image

__all__ = ["Check", "Report", "absence_report", "print_reports", "verify_image"]
