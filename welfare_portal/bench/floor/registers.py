"""A ward's list brought in: the file's cells read once with nothing looked at, and the rows that the portal made of it."""

import io

from psycopg2.extensions import connection
from python_calamine import CalamineWorkbook

from welfare_portal.bench.floor.tables import OF_REGISTER, copy_rows

Marks = dict[str, int]


def marks(server: connection) -> Marks:
    """The last id of each table: what a list adds lies above."""
    found: Marks = {}
    with server.cursor() as reader:
        for table in OF_REGISTER:
            reader.execute(f"SELECT coalesce(max(id), 0) FROM public.{table}")
            (found[table],) = reader.fetchone() or (0,)
    server.commit()
    return found


def bring_in(server: connection, *, content: bytes, before: Marks, after: Marks) -> None:
    """Read the cells, then write the same rows in one statement a table."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    for _ in sheet.iter_rows():
        pass
    with server.cursor() as writer:
        for table in OF_REGISTER:
            copy_rows(writer, table, "id > %s AND id <= %s", [before[table], after[table]])
    server.commit()
