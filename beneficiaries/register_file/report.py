"""What is wrong with a list as a workbook, to be worked through beside the list itself."""

import io

import xlsxwriter
from django.utils.translation import gettext as _

from beneficiaries.register_file.columns import BY_KEY
from beneficiaries.register_file.problems import Findings, Severity


def problems_xlsx(findings: Findings) -> bytes:
    """A workbook with one row a problem, in the order of the list; the first 2,000.

    It holds what stood in the cells, personal numbers too: it is for the officer who brought the list, and is not kept.
    Every cell is written as text, so that nothing that stood in the list becomes a formula here.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet(_("Lỗi"))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 2, 12)
        sheet.set_column(3, 6, 36)
        headings = (_("Dòng"), _("Mức độ"), _("Cột"), _("Lỗi"), _("Cách sửa"), _("Đang ghi"), _("Phải là"))
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, bold)
        for number, problem in enumerate(sorted(findings.kept, key=lambda problem: problem.row), start=1):
            known = BY_KEY.get(problem.column)
            cells = (
                str(problem.row) if problem.row else "",
                _("Phải sửa") if problem.severity is Severity.ERROR else _("Cần xem"),
                known.heading if known else "",
                str(problem.message),
                str(problem.repair),
                problem.found,
                problem.expected,
            )
            for column, text in enumerate(cells):
                sheet.write_string(number, column, text, wrapped)
    return target.getvalue()
