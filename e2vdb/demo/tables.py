"""The files beside the output directories: calls.csv, events.csv and README.txt."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time

from e2vdb.demo import scenario
from e2vdb.demo.calls import Call

README = """\
EVERYTHING IN THIS FOLDER IS SYNTHETIC.

No person, call, customer or product here exists; no recogniser ever ran. The embeddings are
drawn from a random model, the emotions are planted, the audio is noise. Do not draw conclusions
about Emotion2Vec+ or about people from these files: they are for trying and testing e2vdb.

outputs/      output directories as the Emotion2Vec+ WebUI writes them
outputs/odd/     directories that are kept with a warning
outputs/broken/  directories that are rejected
calls.csv     agent, customer, product, team and time of each regular call
events.csv    a product launch and a training day
truth.json    what was planted, for whoever wants to check an answer
"""


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def calls_csv(calls: Iterable[Call]) -> bytes:
    """Return the metadata of the regular calls, keyed by the output directory's base name."""
    header = ("output_dir", "agent", "customer", "product", "team", "called_at")
    return _csv(
        header, ((c.name, c.agent.name, c.customer, c.product, c.agent.team, c.at) for c in calls)
    )


def events_csv() -> bytes:
    """Return the training (of a team, about no product) and the launch (the other way round)."""
    launch, training = scenario.LAUNCH, scenario.TRAINING
    return _csv(
        ("name", "kind", "starts_at", "ends_at", "product", "team"),
        [
            (training.event, "training", *_opening_hours(training.day), "", training.team),
            (launch.event, "launch", *_opening_hours(launch.day), launch.product, ""),
        ],
    )


def _opening_hours(day: date) -> tuple[datetime, datetime]:
    return datetime.combine(day, time(9)), datetime.combine(day, time(18))
