"""Read one year's marks of a school again from the cache: the time of the whole and of each step."""

import zlib
from pathlib import Path

import hubmis_frames as hf
from hubmis_frames.fetch import reading
from hubmis_frames.frames import Findings, tidy, to_pandas
from hubmis_frames.simulator import Rules, Simulator, build_world

from . import data
from .pulls import connected
from .timing import in_turn, machine, markdown


def report(rounds: int, students: int = 800) -> str:
    """Seconds of the whole and of each step, measured alone on the same responses."""
    made = data.marks(students)
    rules = Rules(capacity=10**6, refill_seconds=0.001)
    simulator = Simulator(build_world(7), rules)
    bodies = {f"/api/v1/students/{ids[0]}/attendance-records": pages[0] for ids, pages in made.answers}
    simulator.hooks.append(
        lambda asked, answer: (
            answer if asked.path not in bodies else type(answer)(200, bodies[asked.path], answer.headers)
        )
    )
    with connected(simulator) as school:
        ids = [ids[0] for ids, _ in made.answers]
        endpoint = made.endpoint
        hf.load_student_attendance(school, ids)
        requests = school._fetcher.requests(endpoint, {"student_id": ids})
        file = Path(str(school.cache()["file"]))
        megabytes = sum(each.stat().st_size for each in file.parent.iterdir()) / 1e6
        deflated = [zlib.compress(body, 1) for body in made.bodies]
        steps = {
            "load_student_attendance, warm": lambda: hf.load_student_attendance(school, ids),
            "of it the cache": lambda: [school._session.get(request, reading(endpoint)) for request in requests],
            "of that to inflate the bodies": lambda: [zlib.decompress(body) for body in deflated],
            "of it the frame": lambda: [
                to_pandas(table) for table in tidy(endpoint, made.answers, Findings()).values()
            ],
        }
        taken = in_turn(steps, rounds)
        assert simulator.count("attendance-records") == len(ids)
    whole = next(iter(taken.values()))
    rows = [
        [name, *(f"{each.clock:.2f}", f"{each.processor:.2f}", f"{each.processor / whole.processor:.0%}")]
        for name, each in taken.items()
    ]
    head = [f"{students} answers, {made.megabytes:.0f} MB, {megabytes:.0f} MB on disk", "s", "s of processor", "share"]
    return f"{markdown(head, rows)}\n\n{machine('hubmis-frames', 'requests-cache', 'pyarrow')}"
