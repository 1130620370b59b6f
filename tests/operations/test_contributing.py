"""One declaration, and everything else follows: in a copy of the package, one function is added and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import hubmis_frames

DECLARATION = '''

from .shapes import list_of

@attendance_section(
    "Get all reasons for absence",
    "absence-reasons",
    record(
        id=ID,
        name=TEXT,
        attendance_code=struct_of("attendance_code_id", id=ID, code=TEXT),
        year_groups=list_of("year_group_id"),
    ),
    key="absence_reason_id",
)
def load_absence_reasons(
    school: SchoolOrGroup, *, status: Literal["active", "inactive"] | None = None, refresh: bool = False
) -> pd.DataFrame:
    """Reasons for absence: one row per reason."""
'''

FOLLOWS = """
import sys, tempfile
from pathlib import Path
import hubmis_frames as hf
from hubmis_frames.operations import CATALOGUE
from hubmis_frames.openapi import as_openapi

here = hf.endpoints().set_index("loader").loc["load_absence_reasons"]
assert here["title"] == "Get all reasons for absence" and here["path_source"] == "inferred", here
assert here["filters"] == "status" and here["section"] == "Attendance" and here["grain"] == "reason", here

reference = hf.load_absence_reasons.__doc__
assert "absence_reason_id" in reference and "attendance_code_code" in reference and "inferred" in reference, reference

with hf.demo(students=10, progress=False) as school:
    tables = hf.load_absence_reasons.tables(school)
    assert len(tables["absence_reasons"]) and "attendance_code_id" in tables["absence_reasons"], tables
    assert list(tables["absence_reasons_year_groups"])[:2] == ["absence_reason_id", "position"], tables
    out = Path(tempfile.mkdtemp())
    done = school.export(out, ["absence_reasons"])
    assert (done["status"] == "complete").all() and len(hf.read(out, "absence_reasons")), done
    assert "absence_reasons" in set(school.plan("all")["table"])

keys = hf.keys()
assert ((keys["table"] == "absence_reasons") & (keys["column"] == "attendance_code_id")).any(), keys
assert "/api/v1/absence-reasons" in as_openapi(CATALOGUE.values())["paths"]
print("follows from", hf.__file__)
"""


def test_a_declaration_is_the_one_edit_that_an_operation_takes(tmp_path: Path):
    package = Path(hubmis_frames.__file__).parent
    copy = tmp_path / "hubmis_frames"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "operations" / "attendance.py").open("a", encoding="utf-8") as file:
        file.write(DECLARATION)
    ran = subprocess.run([sys.executable, "-c", FOLLOWS], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert str(copy) in ran.stdout
