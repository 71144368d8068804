"""How moments of a history are shown on a terminal, and written as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.text import Text

from domain.words import PARIS, short_date
from projections.story import Link, Moment
from system.cli.language import say


def lines(links: Iterable[Link]) -> Iterator[Text]:
    for (depth, _), of_one_command in groupby(
        links, key=lambda link: (link.depth, link.moment.command_id)
    ):
        told = [link.moment for link in of_one_command]
        indent = "    " * depth + ("↳ " if depth else "")
        yield Text()
        yield _head(told[0], indent)
        yield from (_line(moment, "    " * depth) for moment in told)
        causes = dict.fromkeys(moment.because for moment in told if moment.because)
        because = say("parce que", "because")
        yield from (Text(f"{'    ' * depth}    {because} : {cause}") for cause in causes)


def _head(moment: Moment, indent: str) -> Text:
    at = moment.recorded_at.astimezone(PARIS)
    behalf = say("pour", "on behalf of")
    who = moment.who + (f", {behalf} {moment.behalf}" if moment.behalf else "")
    head = Text(f"{indent}{at:%d/%m/%Y %H:%M:%S}  {who}", style="cyan")
    head.append(f"  {say('demande', 'request')} {moment.command_id}", style="dim")
    return head


def _line(moment: Moment, indent: str) -> Text:
    line = Text(f"{indent}  · {moment.told}")
    if moment.effective_on != moment.recorded_at.astimezone(PARIS).date():
        line.append(f" ({say('au', 'as of')} {short_date(moment.effective_on)})", style="dim")
    line.append(f"  #{moment.position}", style="dim")
    return line


def as_json(link: Link) -> dict[str, object]:
    moment = link.moment
    return {
        "position": moment.position,
        "recorded_at": moment.recorded_at.isoformat(),
        "effective_on": moment.effective_on.isoformat(),
        "name": moment.name,
        "told": moment.told,
        "actor": moment.actor,
        "who": moment.who,
        "on_behalf_of": moment.behalf,
        "because": moment.because,
        "depth": link.depth,
        "event_id": moment.event_id,
        "command_id": moment.command_id,
        "correlation_id": moment.correlation_id,
        "causation_id": moment.causation_id,
    }
