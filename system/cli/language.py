"""The language of the command line: French where the locale is French, else English."""

from __future__ import annotations

import os
from typing import Any

import typer
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup

from domain.words import Language


def language() -> Language:
    """By the first of LC_ALL, LC_MESSAGES and LANG that says something, as everywhere."""
    settings = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((setting for setting in settings if setting), "")
    return "fr" if locale.lower().startswith("fr") else "en"


def say(fr: str, en: str) -> str:
    """One of two wordings."""
    return fr if language() == "fr" else en


def _translated(option: Any) -> Any:
    if option is not None:
        option.help = say("Afficher cette aide.", "Show this help.")
    return option


class Command(TyperCommand):
    """A command whose help says how to get help in the reader's language."""

    def get_help_option(self, ctx: Any) -> Any:
        return _translated(super().get_help_option(ctx))


class Group(TyperGroup):
    """The same for a group of commands."""

    def get_help_option(self, ctx: Any) -> Any:
        return _translated(super().get_help_option(ctx))


def new_group(help_text: str, **how: Any) -> typer.Typer:
    """A group of commands; without one, it shows its help."""
    return typer.Typer(
        cls=Group,
        help=help_text,
        add_completion=False,
        pretty_exceptions_enable=False,
        **({"no_args_is_help": True} | how),
    )


if language() == "fr":
    rich_utils.COMMANDS_PANEL_TITLE = "Commandes"
    rich_utils.ERRORS_PANEL_TITLE = "Erreur"
    rich_utils.REQUIRED_LONG_STRING = "[obligatoire]"
    rich_utils.DEFAULT_STRING = "[par défaut : {}]"
    rich_utils.RICH_HELP = "Aide : [blue]'{command_path} {help_option}'[/]"
