"""The language of a terminal: chosen by `--language` or by the locale, spoken by the commands and by argparse itself.

Texts are written in English where they are said; `chinese.py` holds the Chinese of each. A text without a Chinese one is
a fault of the program, which a test finds.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NoReturn

from services.runtime.texts.starting import language_of
from services.runtime.texts.table import Language
from tools.cli.chinese import ARGPARSE, CHINESE, OS_ERRORS

OPTION: Final = "--language"


class Words:
    """Says texts in one language; `language` is "zh" or "en"."""

    def __init__(self, language: Language = "en") -> None:
        self.language = language

    def __call__(self, english: str, /, **values: object) -> str:
        """The text in the language, with its values filled in."""
        text = CHINESE[english] if self.language == "zh" else english
        return text.format_map(values) if values else text

    def of_system(self, error: OSError) -> str:
        """What the system says of a file, with its name before it; in English where no Chinese is known."""
        said = error.strerror or str(error)
        told = OS_ERRORS.get(said, said) if self.language == "zh" else said
        return f"{error.filename}: {told}" if error.filename else told


ENGLISH: Final = Words("en")


def chosen(arguments: Sequence[str], environ: Mapping[str, str]) -> Language:
    """What the user reads: what `--language` names, else Chinese where the first locale that is set is Chinese."""
    for place, word in enumerate(arguments):
        name, joined, value = word.partition("=")
        told = value if joined else (*arguments, "")[place + 1]
        if name == OPTION and told in ("en", "zh"):
            return "zh" if told == "zh" else "en"
    return language_of(environ)


class Parser(argparse.ArgumentParser):
    """argparse, whose own words are Chinese after `speak`."""

    words = ENGLISH

    def error(self, message: str) -> NoReturn:
        """Ends with 2, after usage and cause."""
        self.print_usage(sys.stderr)
        told = message
        if self.words.language == "zh":
            for english, chinese in ARGPARSE.items():
                told = re.sub(english, chinese, told)
        self.exit(2, f"{self.prog}: {told}\n")

    def format_usage(self) -> str:
        """The usage, led in by the language's word."""
        return self._led(super().format_usage())

    def format_help(self) -> str:
        """The help, led in by the language's word."""
        return self._led(super().format_help())

    def _led(self, text: str) -> str:
        return re.sub(r"^usage:", "用法：", text) if self.words.language == "zh" else text


def speak(parser: Parser, words: Words) -> None:
    """Gives a parser and all below it the words of a language."""
    actions: dict[int, argparse.Action] = {}
    for each in _with_commands(parser):
        each.words = words
        if words.language == "en":
            continue
        each.description = each.description and words(each.description)
        for group in each._action_groups:  # argparse has no other way to them
            group.title = group.title and words(group.title)
        # Commands with the same parent share its options.
        actions |= {id(action): action for action in each._actions}
    for action in actions.values():
        _translate(action, words)


def _translate(action: argparse.Action, words: Words) -> None:
    if action.help and action.help != argparse.SUPPRESS:
        action.help = words(action.help)
    if isinstance(action, argparse._SubParsersAction):
        for choice in action._choices_actions:
            choice.help = choice.help and words(choice.help)


def _with_commands(parser: Parser) -> Iterator[Parser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in dict.fromkeys(action.choices.values()):
                yield from _with_commands(each)
