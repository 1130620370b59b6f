"""Build the API reference as HTML from the docstrings, with a picture beside each plot: a warning is an error.

``python -m tests.tools.build_reference [FOLDER]`` writes to ``build/reference`` unless a folder is given.
"""

import inspect
import sys
import warnings
from pathlib import Path

import dask.dataframe
import matplotlib as mpl
import matplotlib.pyplot as plt
import pdoc

import hubmis_frames
from hubmis_frames import plots
from tests.tools import pictures

FOLDER = Path(__file__).parents[2] / "build" / "reference"
EXAMPLES = (
    "trend-lines",
    "heat",
    "bars",
    "bands",
    "cumulative",
    "register",
    "wellbeing",
    "timeline-attendance",
    "around",
)
"""The case in ``pictures`` that stands for each plot."""


def gallery() -> dict[str, str]:
    """The example of each plot, by the name of the function that draws it."""
    return {getattr(pictures, pictures.CASES[name].__code__.co_names[0]).__name__: name for name in EXAMPLES}


def build(folder: Path) -> None:
    """Write the reference to a folder."""
    drawn = folder / "hubmis_frames" / "pictures"
    drawn.mkdir(parents=True, exist_ok=True)
    for name, example in gallery().items():
        figure = pictures.CASES[example](None).figure
        figure.savefig(drawn / f"{name}.png", dpi=100, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)
        function = getattr(plots, name)
        summary, _, rest = (inspect.getdoc(function) or "").partition("\n\n")
        function.__doc__ = f"{summary}\n\n![What {name} draws](pictures/{name}.png)\n\n{rest}"
    for name in hubmis_frames.__all__:
        getattr(hubmis_frames, name)  # the analysis is imported when it is first used
    for name, module in list(sys.modules.items()):
        if name.startswith("hubmis_frames."):  # annotations name it as dd, which is imported for type checkers alone
            vars(module).setdefault("dd", dask.dataframe)
    pdoc.render.configure(docformat="numpy", footer_text=f"hubmis_frames {hubmis_frames.__version__}")
    pdoc.pdoc("hubmis_frames", output_directory=folder)


def main() -> None:
    mpl.use("Agg")
    warnings.simplefilter("error")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    build(folder)
    print(f"Written: {folder / 'index.html'}")


if __name__ == "__main__":
    main()
