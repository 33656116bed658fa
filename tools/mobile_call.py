"""Calls a path of the mobile envelope by hand: `python -m tools.mobile_call pay_order '{"payOrdId": "…"}'`.

Signs and encrypts as a hospital does, and prints the answer after its signature was good. Without options it is the
sandbox's first hospital at a gateway on this machine; `docs/signing.md` says the form in words.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from services.kernel.errors import Fault
from services.runtime.national.envelope import VERSIONS, App, OpenedAnswer, build_request, open_answer
from services.runtime.national.signed_text import SecretForm
from services.runtime.national.sm2 import Sm2KeyError, Sm2Unavailable, open_sm2
from services.runtime.texts.gateway import next_step
from services.runtime.texts.table import text
from tools.sandbox_keys import MOBILE_APP, MOBILE_BUREAU_KEY, MOBILE_PRIVATE_KEY, MOBILE_SECRET

CENTRE: Final = "/org/local/api/hos/"
_TIMEOUT_S: Final = 15.0
_JSON: Final = "application/json; charset=utf-8"


def app_of(app_id: str, secret: str, private_key: str, bureau_key: str, *, appended: bool = False) -> App:
    """The app as its hospital has it; keys in hex, Base64 or PEM. Sm2KeyError, Sm2Unavailable."""
    sm2 = open_sm2()
    form = SecretForm.APPENDED if appended else SecretForm.KEY
    return App(app_id, secret, sm2.private_key(private_key), sm2.public_key(bureau_key), form)


def sandbox_app() -> App:
    """The sandbox's first hospital's."""
    return app_of(MOBILE_APP, MOBILE_SECRET, MOBILE_PRIVATE_KEY, MOBILE_BUREAU_KEY)


def call(app: App, url: str, path: str, data: Mapping[str, Any], version: str = VERSIONS[0]) -> OpenedAnswer:
    """The answer of a path, `pay_order` or whole; Fault where it is not the bureau's, ValueError where it is not signed."""
    now = datetime.now(UTC)
    where = url.rstrip("/") + (path if path.startswith("/") else CENTRE + path)
    body = build_request(app, data, now, version=version)
    answer = httpx.post(where, content=body, headers={"content-type": _JSON}, timeout=_TIMEOUT_S)
    if b'"signData"' not in answer.content:
        raise ValueError(answer.text)
    return open_answer(app, answer.content, datetime.now(UTC))


def main(words: Sequence[str] | None = None) -> int:
    """0 where the answer is success, 1 where it is a refusal, 2 where there is none that can be believed."""
    options = _parser().parse_args(words)
    given = sys.stdin.read() if options.data == "-" else options.data
    try:
        private = Path(options.key_file).read_text(encoding="ascii") if options.key_file else MOBILE_PRIVATE_KEY
        app = app_of(options.app, options.secret, private, options.bureau_key, appended=options.appended)
        found = call(app, options.url, options.path, json.loads(given), options.version)
    except Fault as fault:
        print(f"[{fault.reason}] {text(fault, 'en')}. {next_step(fault, 'en')}", file=sys.stderr)
        return 2
    except (OSError, ValueError, httpx.HTTPError, Sm2KeyError, Sm2Unavailable) as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"code": found.code, "message": found.message, "data": found.data}, ensure_ascii=False, indent=2))
    return 0 if found.success else 1


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m tools.mobile_call", description="Calls a path of the mobile envelope."
    )
    made.add_argument("path", help=f"uldFeeInfo, pay_order, query_order_info, … below {CENTRE}, or a whole path")
    made.add_argument("data", help="what the envelope encrypts, as JSON; - reads it from standard input")
    made.add_argument("--url", default="http://127.0.0.1:7400", help="the gateway; %(default)s")
    made.add_argument("--app", default=MOBILE_APP, help="appId; %(default)s")
    made.add_argument("--secret", default=MOBILE_SECRET, help="appSecret")
    made.add_argument("--key-file", default="", help="file of the own SM2 private key: hex, Base64 or PEM")
    made.add_argument("--bureau-key", default=MOBILE_BUREAU_KEY, help="the bureau's SM2 public key")
    made.add_argument("--appended", action="store_true", help="the signed text ends with the secret alone")
    made.add_argument("--version", default=VERSIONS[0], choices=VERSIONS, help="of the envelope; %(default)s")
    return made


if __name__ == "__main__":
    sys.exit(main())
