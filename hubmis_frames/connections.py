"""Ways to a school: HUBmis with credentials, or the simulated school."""

import atexit
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .errors import BadArgumentError, SettingsError, did_you_mean, warn
from .files import shared_by
from .group import Group
from .school import School
from .setup.keyring import cipher
from .setup.settings import USUAL, Secret, open_session, settings
from .transport import Rate, RetryPolicy, Session


def connect(
    realm: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    base_url: str | None = None,
    openapi: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = USUAL,
    *,
    encrypt: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    rate: tuple[int, float] | Rate | None = None,
) -> School:
    """Connect to HUBmis. Nothing is sent until you load something.

    Parameters
    ----------
    realm, client_id, client_secret
        As WCBS sent them. If you leave them out, they come from ``HUBMIS_REALM``, ``HUBMIS_CLIENT_ID`` and
        ``HUBMIS_CLIENT_SECRET``, else from the system's keyring, where ``hubmis-frames login`` stores them.
    base_url
        The address of a test host; else ``HUBMIS_BASE_URL``, else that of the stored login, else
        ``https://api.hubmis.com``. Plain ``http`` works for this machine only. A stored login is sent to
        the address that it was stored for and to no other.
    openapi
        The vendor's OpenAPI file (JSON or YAML); else ``HUBMIS_OPENAPI``. Its paths, parameters and fields
        replace the inferred ones.
    cache_dir
        Where responses are cached; else ``HUBMIS_CACHE_DIR``, else the user's cache folder. Each realm
        and client has its own folder in it, which only its owner can enter. ``None``: in memory only.
    encrypt
        Encrypt the cached responses with a key in the system's keyring (needs the extra
        ``encryption``). Without it only the permissions of the folder protect them.
    offline
        Answer from the cache only, however old its responses are.
    progress
        Show progress bars; ``None``: in a terminal or a notebook.
    rate
        The pace of a test host: how many requests may be sent at once, and after how many seconds one more, such
        as ``(60, 0.5)``; else ``HUBMIS_RATE``, such as ``60,0.5``; else as documented, ``(500, 5)``. For HUBmis itself
        it can only be slower than that.

    Returns
    -------
    School
        The first argument of every loader.

    Raises
    ------
    SettingsError
        A setting is missing or cannot be used.
    SpecError
        The OpenAPI file cannot be used.
    CacheError
        The cache folder cannot be written.

    Examples
    --------
    >>> import hubmis_frames as hf
    >>> school = hf.connect()  # doctest: +SKIP
    >>> students = hf.load_students(school, enrolment_status="current")  # doctest: +SKIP
    """
    client_secret = None if client_secret is None else Secret(client_secret)
    found = settings(realm, client_id, client_secret, base_url, cache_dir, openapi)
    spec = None
    if found.openapi:
        from .openapi import read_spec  # it takes a library that nothing else needs

        spec = read_spec(found.openapi)
    if found.cache_dir and (service := shared_by(found.cache_dir)):
        warn(
            f"The cache folder {found.cache_dir} lies in {service}, which copies children's data off this machine. "
            "Choose another folder with cache_dir= or HUBMIS_CACHE_DIR."
        )
    session = open_session(found, offline=offline, cipher=cipher() if encrypt else None, rate=rate)
    return School(session, spec=spec, progress=progress)


def connect_group(realms: Iterable[str], **settings: Any) -> Group:
    """Connect to several schools that one client may read. Nothing is sent until you load something.

    Parameters
    ----------
    realms
        The realms, one for each school.
    **settings
        As for :func:`connect`, the same for every school.

    Returns
    -------
    Group
        The first argument of a loader, in place of a school.

    Raises
    ------
    SettingsError
        No realm is named, or one is named twice; or as for :func:`connect`.

    Examples
    --------
    >>> import hubmis_frames as hf
    >>> group = hf.connect_group(["S1", "S2"])  # doctest: +SKIP
    >>> students = hf.load_students(group)  # doctest: +SKIP
    """
    named = [realms] if isinstance(realms, str) else list(realms)
    if not named or len(set(named)) < len(named):
        raise SettingsError("A group takes the realm of at least one school, and each realm once.")
    return Group(connect(realm, **settings) for realm in named)


def demo(students: int = 240, *, seed: int = 1, profile: str = "england", progress: bool | None = None) -> School:
    """Open the simulated school, served over HTTP on this machine until Python ends.

    Its rate limit is generous. Its cache is new each time, in a folder that is removed at exit. Its data end on a day
    of their own, ``school.today``. It shows how the frames fit together and proves nothing about HUBmis.

    Parameters
    ----------
    students
        The number of students.
    seed
        The same seed makes the same school.
    profile
        What kind of school it is: ``"england"``, or one that differs from it: ``"daily"`` has one register a day,
        ``"boarding"`` Saturday mornings and many boarders, ``"gulf"`` a week from Sunday to Thursday, ``"dubai"``
        only mornings on Fridays, ``"january"`` academic years from January, ``"scotland"`` the codes of Scotland.
    progress
        Show progress bars; ``None``: in a terminal or a notebook.

    Raises
    ------
    BadArgumentError
        There is no such profile, or no school of that size.

    Examples
    --------
    >>> import hubmis_frames as hf
    >>> school = hf.demo()
    >>> len(hf.load_students(school)) > 200
    True
    >>> school.today
    datetime.date(2026, 7, 3)
    """
    if not 7 <= students <= 4000:
        raise BadArgumentError("The simulated school has from 7 to 4000 students.")
    from .simulator import PROFILES, UNFELT, Rules, Simulator, build_world  # not needed for a real school

    if profile not in PROFILES:
        raise BadArgumentError(f"{profile!r} is no profile.{did_you_mean(profile, PROFILES)}")
    rules = Rules(**UNFELT)
    world = build_world(students=students, seed=seed, profile=profile)
    simulator = Simulator(world, rules)
    simulator.start()
    folder = tempfile.TemporaryDirectory(prefix="hubmis-demo-", ignore_cleanup_errors=True)
    session = Session(
        base_url=simulator.url,
        realm=world.realm,
        client_id=rules.client_id,
        client_secret=rules.client_secret,
        cache_dir=Path(folder.name),
        rate_file=Path(folder.name) / "rate.sqlite",
        rate=Rate(rules.capacity, rules.refill_seconds),
        retry=RetryPolicy(first_delay=0.05),
    )
    school = School(session, progress=progress, today=world.today)

    def end() -> None:
        school.close()
        simulator.close()
        folder.cleanup()

    atexit.register(end)
    return school
