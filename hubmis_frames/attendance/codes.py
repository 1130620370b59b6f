"""The code map: which category each attendance code has, and between which dates."""

import dataclasses
import functools
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..analysis.calendar import Day
from ..analysis.columns import as_day, local_dates, require_columns
from ..errors import BadArgumentError, SettingsError, did_you_mean
from ..files import expanded, whole_file, why

ATTENDING = ("present", "late", "approved_activity")
ABSENT = ("authorised_absence", "unauthorised_absence")
POSSIBLE = (*ATTENDING, *ABSENT, "other_possible")
"""The categories of possible sessions. ``other_possible`` is neither attended nor absent."""
CATEGORIES = (*POSSIBLE, "not_possible", "administrative", "unmapped", "unmarked")
"""Every category. Of two marks for one session, the one whose category comes first here is kept."""
GIVEN = tuple(name for name in CATEGORIES if name != "unmapped")
"""The categories that a map can give a code."""

_SHORT = {
    "approved": "approved_activity",
    "authorised": "authorised_absence",
    "unauthorised": "unauthorised_absence",
    "attending": "present",
}
_COLUMNS = ("code", "category", "valid_from", "valid_to", "meaning", "source")
BUILT_IN = ("england", "wales", "scotland")
"""The code maps that are built in. None is a substitute for another: the same letter means other things elsewhere."""
_FOLDER = Path(__file__).parent / "code_maps"
_UNMAPPED, _UNMARKED = CATEGORIES.index("unmapped"), CATEGORIES.index("unmarked")


@dataclasses.dataclass(frozen=True, eq=False)
class CodeMap:
    """The category of each attendance code, and the dates between which it holds.

    Parameters
    ----------
    frame
        One row per code and span of time: ``code`` (exact text: ``C``, ``C1`` and ``c`` differ), ``category``,
        ``valid_from`` and ``valid_to`` (dates, both included; a missing one sets no bound), ``meaning`` and ``source``
        (who says so). The last four may be left out. ``approved``, ``authorised`` and ``unauthorised`` are accepted as
        short names of categories.

    Raises
    ------
    BadArgumentError
        A category is not one of ``CATEGORIES``, a code is missing, a span ends before it begins, or two spans of one
        code overlap.

    Notes
    -----
    A blank mark is ``unmarked``, and so is ``-`` unless the map gives it a category. A code that the map does not have
    on the day of the mark is ``unmapped``: it is reported and counted, and its category is never guessed.
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        require_columns(self.frame, ["code", "category"], "A code map")
        given = self.frame.reindex(columns=list(_COLUMNS)).reset_index(drop=True)
        for column in ("code", "category", "meaning", "source"):
            given[column] = given[column].astype("str")
        given["category"] = given["category"].replace(_SHORT)
        for column in ("valid_from", "valid_to"):
            # Spreadsheets write 01/09/2024, which pandas would read as the ninth of January.
            given[column] = local_dates(given[column], "UTC", f"A code map: {column}")
        object.__setattr__(self, "frame", given)
        if given["code"].isna().any():
            raise BadArgumentError("A code map: a row has no code. Blank marks are unmarked in every map.")
        if strange := sorted(set(given["category"].fillna("(missing)")) - set(GIVEN)):
            raise BadArgumentError(
                f"A code map: {', '.join(strange)} is not a category.{did_you_mean(strange[0], GIVEN)} They are "
                f"{', '.join(GIVEN)}."
            )
        spans = given.sort_values(["code", "valid_from"], na_position="first")
        start, end = _bounds(spans)
        same = spans["code"].eq(spans["code"].shift()).to_numpy()
        wrong = (end < start) | (same & (start <= np.roll(end, 1)))
        if wrong.any():
            raise BadArgumentError(
                f"A code map: the dates of {spans.loc[wrong, 'code'].iloc[0]!r} overlap or end first."
            )

    @classmethod
    def built_in(cls, name: str) -> "CodeMap":
        """One of the maps that are built in, by name: ``"england"``, ``"wales"`` or ``"scotland"``.

        Raises
        ------
        BadArgumentError
            There is no such map.
        """
        if not isinstance(name, str) or name not in BUILT_IN:
            given = repr(name) if isinstance(name, str) else f"a {type(name).__name__}"
            raise BadArgumentError(
                f"code_map takes {', '.join(map(repr, BUILT_IN))} or a CodeMap, not {given}. No map stands in for "
                "another, as the same letter means other things elsewhere: hf.attendance.CodeMap.from_frame makes the "
                "school's own."
            )
        return cls(_read(name))

    @classmethod
    def england(cls, *, x: str = "not_possible") -> "CodeMap":
        """The codes of England, before and from 19 August 2024. The newer ones have no end date so far.

        Parameters
        ----------
        x
            The category of ``X``, except in the school years 2020/21 and 2021/22. By the guidance it is not a possible
            session, as in this map. Some local authorities' figures of 2022/23 count it as ``"authorised_absence"``;
            give that to compare with them.

        Notes
        -----
        From 19 August 2024: the School Attendance (Pupil Registration) (England) Regulations 2024, regulation 10, in
        the statistical classes of the Department for Education's *Working together to improve school attendance*
        (August 2024). Before: the classes of the same Department's *Pupil absence statistics: methodology*. ``H``,
        ``J`` and ``Y`` ended with the old regulations, so a later mark with one of them is unmapped.

        In 2020/21 and 2021/22, ``X`` was used for pupils who stayed at home because of the coronavirus. The
        Department's statistics of these years (*Pupil absence in schools in England 2021/22*) count it as possible and
        not as absent, here ``other_possible``; so in these years attendance and absence do not add up to 100 per cent.
        The same letter for pupils not of compulsory school age, which was never possible, cannot be told from it.
        """
        frame = _read("england").copy()
        frame.loc[frame["code"].eq("X") & frame["category"].eq("not_possible"), "category"] = x
        return cls(frame)

    @classmethod
    def wales(cls) -> "CodeMap":
        """The codes of Wales whose meaning could be verified, up to 31 August 2026.

        Notes
        -----
        Verified are ``L`` and ``U`` only, in the Welsh Government's notes on *Absenteeism* and in a school's published
        list. A school adds its own list with :meth:`extend`; until then all other codes are unmapped. The codes have
        not changed since the Education (Pupil Registration) (Wales) Regulations 2010. The Welsh Government consulted on
        new ones until 26 March 2026, so the map ends with that school year.
        """
        return cls.built_in("wales")

    @classmethod
    def scotland(cls) -> "CodeMap":
        """The numeric codes of Scotland whose meaning could be verified, up to 31 July 2026.

        Notes
        -----
        Verified are ``02``, ``10``, ``11`` and ``12``, in the Scottish Government's *Included, engaged and involved
        part 1* (2019), which was to be replaced in 2026; so the map ends with that school year. Schools record letters
        of their management system: add those with :meth:`extend`. A temporary exclusion is a possible session that is
        neither attendance nor absence: ``other_possible``. Arriving in the second half of an opening, *very late*, is
        an authorised absence in Scotland's statistics.
        """
        return cls.built_in("scotland")

    @classmethod
    def from_frame(
        cls,
        codes: pd.DataFrame,
        categories: Mapping[str, str],
        *,
        valid_from: Day | None = None,
        valid_to: Day | None = None,
    ) -> "CodeMap":
        """Make a school's own map.

        Parameters
        ----------
        codes
            The result of ``load_attendance_codes``: ``code`` and ``description``.
        categories
            A category for each code: ``{"I": "authorised", "*": "approved_activity"}``. A code that is left out has no
            category, and marks with it are reported as unmapped.
        valid_from, valid_to
            The first and the last day on which the map holds.

        Raises
        ------
        BadArgumentError
            A code in ``categories`` is not in ``codes``, a category does not exist, or a date is not ISO.
        """
        require_columns(codes, ["code"], "codes")
        texts = codes["code"].astype("str")
        meanings = dict(zip(texts, codes.get("description", texts), strict=True))
        if strange := [code for code in categories if code not in meanings]:
            raise BadArgumentError(
                f"The school has no code {', '.join(map(repr, strange))}. It has {', '.join(map(repr, meanings))}."
            )
        first = pd.NaT if valid_from is None else as_day(valid_from, "CodeMap.from_frame: valid_from")
        last = pd.NaT if valid_to is None else as_day(valid_to, "CodeMap.from_frame: valid_to")
        return cls(
            pd.DataFrame(
                {
                    "code": list(categories),
                    "category": list(categories.values()),
                    "valid_from": pd.Series(first, index=range(len(categories)), dtype="datetime64[us]"),
                    "valid_to": pd.Series(last, index=range(len(categories)), dtype="datetime64[us]"),
                    "meaning": [meanings[code] for code in categories],
                }
            )
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "CodeMap":
        """Read a map that :meth:`save` wrote, or a CSV in UTF-8 with the same columns and ISO dates.

        Raises
        ------
        BadArgumentError
            It is not such a file.
        SettingsError
            It cannot be opened, for example because Excel has it open.
        """
        # A code may look like a number or like "NA". Text stays text, and only an empty cell is missing.
        try:
            frame = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
        except PermissionError as error:
            raise SettingsError(f"{path} cannot be read: {why(error)}. Close the program that has it open.") from None
        except UnicodeDecodeError:
            raise BadArgumentError(f"{path} is not in UTF-8. In Excel, save it as CSV UTF-8.") from None
        except pd.errors.EmptyDataError:
            raise BadArgumentError(
                f"{path} is empty. Write it again: CodeMap.england().extend(...).save(...)."
            ) from None
        try:
            return cls(frame.replace("", pd.NA))
        except BadArgumentError as error:
            raise BadArgumentError(
                f"{path}: {error} Columns are separated by commas, and dates are written 2024-08-19. A spreadsheet "
                "changes both when it saves the file, so edit it as text, or write it again with CodeMap.save."
            ) from error

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the map as CSV, for example beside the export it belongs to, and return the path.

        Raises
        ------
        SettingsError
            The file cannot be written; it is as it was.
        """
        file = expanded(path)
        # Without a fixed line terminator, the file would differ on Windows.
        text = self.frame.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")
        try:
            with whole_file(file) as part:
                part.write_bytes(text.encode("utf-8"))
        except OSError as error:
            raise SettingsError(
                f"Cannot write {file}: {why(error)}. Close the program that has it open, or choose another place."
            ) from error
        return file

    def extend(self, categories: Mapping[str, str]) -> "CodeMap":
        """Return a map in which further codes have a category.

        ``CodeMap.england().extend({"*": "approved_activity"})``. A code that the map already has is replaced, for all
        dates.
        """
        more = pd.DataFrame({"code": list(categories), "category": list(categories.values())})
        kept = self.frame[~self.frame["code"].isin(list(categories))]
        return CodeMap(pd.concat([kept, more.reindex(columns=list(_COLUMNS))], ignore_index=True))

    def categorise(self, code: pd.Series, date: pd.Series) -> pd.Series:
        """Return the category of each mark.

        Parameters
        ----------
        code, date
            The code, compared as exact text, and the day of each mark.

        Returns
        -------
        Series
            Text, one of ``CATEGORIES``, with the index of ``code``.
        """
        start, end = _bounds(self.frame)
        edges = np.unique(np.concatenate([start, end + 1]))
        texts, names = pd.factorize(code.astype("str"))
        # One row per code and one column per span between two edges. factorize gives blanks -1, the last row.
        table = np.full((len(names) + 1, len(edges) + 1), _UNMAPPED, dtype=np.int8)
        table[[*(not name.strip() or name == "-" for name in names), True]] = _UNMARKED
        place = {name: number for number, name in enumerate(names)}
        first, past = np.searchsorted(edges, start, side="right"), np.searchsorted(edges, end + 1, side="right")
        for name, category, a, b in zip(self.frame["code"], self.frame["category"], first, past, strict=True):
            if name in place:
                table[place[name], a:b] = CATEGORIES.index(category)
        day, days = pd.factorize(date, use_na_sentinel=False)
        categories = table[texts, np.searchsorted(edges, _days(pd.Series(days)), side="right")[day]]
        # A mark without a day is in no span, so it is unmapped unless its code is blank.
        categories[(date.isna() & (categories != _UNMARKED)).to_numpy()] = _UNMAPPED
        return pd.Series(pd.array(CATEGORIES, dtype="str").take(categories), index=code.index, name="category")

    def __repr__(self) -> str:
        """The number of codes, until when they hold, and the sources."""
        ends, sources = self.frame["valid_to"], self.frame["source"].dropna().drop_duplicates()
        end = "no end date" if ends.isna().any() or ends.empty else f"until {ends.max():%Y-%m-%d}"
        return f"CodeMap({self.frame['code'].nunique()} codes, {end}; {'; '.join(sources) or 'no source'})"


@functools.cache
def _read(name: str) -> pd.DataFrame:
    return CodeMap.load(_FOLDER / f"{name}.csv").frame


def _days(dates: pd.Series) -> npt.NDArray[np.int64]:
    days: npt.NDArray[np.int64] = dates.to_numpy(dtype="datetime64[D]").astype(np.int64)
    return days


def _bounds(frame: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last day of each span as numbers of days; very early or late where there is no bound."""
    far = 10**7
    start = np.where(frame["valid_from"].isna(), -far, _days(frame["valid_from"]))
    end = np.where(frame["valid_to"].isna(), far, _days(frame["valid_to"]))
    return start.astype(np.int64), end.astype(np.int64)
