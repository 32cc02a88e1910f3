import io

from python_calamine import CalamineWorkbook

from beneficiaries.register_file.report import problems_xlsx
from tests.beneficiaries.register_file.lists import line, list_xlsx, other


def test_has_a_row_for_each_problem_and_no_formula(check):
    checked, _ = check(list_xlsx(line(full_name="=1+1"), other(2, national_id="79048000002")))
    content = problems_xlsx(checked.findings)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    header, name, number = sheet.to_python()
    assert header[:3] == ["Dòng", "Mức độ", "Cột"]
    assert name[0] == "2"
    assert name[2] == "Họ và tên"
    assert name[5] == "=1+1"
    assert number[:3] == ["3", "Phải sửa", "Số định danh"]
    assert number[5] == "79048000002"
    assert b"<f>" not in content
