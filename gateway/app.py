"""The gateway as a member of the mesh: everything put together, and an HTTP server that starts and stops like the others.

It has no database: it is healthy when it serves, whatever its peers do.
"""

from __future__ import annotations

import time
from functools import cache
from random import SystemRandom
from typing import Final

from gateway import tables
from gateway.aside import Aside
from gateway.backend import DirectBackend, GatheringBackend
from gateway.batching import Gatherer
from gateway.connections import Connections, affordable
from gateway.door import Door, Page
from gateway.doors import Doors
from gateway.elsewhere import across_cells
from gateway.failures import Failures
from gateway.held import Held
from gateway.listener import Listener
from gateway.mobile.apps import Apps
from gateway.mobile.face import MobileFace
from gateway.national.conformance import Conformance
from gateway.national.envelope import Serials
from gateway.national.face import NationalFace
from gateway.observing import Observer
from gateway.operations import LIVE, READY, Operations, OperationsApp
from gateway.origins import Origins
from gateway.partners import Partners
from gateway.reference.pages import pages
from gateway.rest import RestFace
from gateway.shares import Shares
from gateway.tables import ENVELOPE_SERVICE
from gateway.viewer.nodes import NodeOrigins
from gateway.viewer.pages import pages as viewer_pages
from gateway.workers import Workers
from services import mesh
from services.kernel.clock import Clock
from services.runtime.admission import Admission
from services.runtime.auth import TokenSigner
from services.runtime.config import Config
from services.runtime.contract import Contract
from services.runtime.gathering import Limits
from services.runtime.identifiers import time_ordered_ids
from services.runtime.national.sm2 import Sm2, Sm2Unavailable, open_sm2
from services.runtime.national.sm4 import CipherUnavailable, check_sm3_sm4
from services.runtime.outbound import Peers
from services.runtime.self_report import SelfReport
from services.runtime.server import StartError
from services.runtime.telemetry import Telemetry

_OPERATIONS_CONNECTIONS: Final = 64
_PUBLIC_SETTINGS: Final = ("YIBAO_GATEWAY_HOST", "YIBAO_GATEWAY_PORT")
_INNER_SETTINGS: Final = ("YIBAO_OPERATIONS_HOST", "YIBAO_OPERATIONS_PORT")


class HttpServer:
    """The gateway's HTTP ports: `start` opens them, `stop` lets running requests end."""

    def __init__(
        self, door: Door, config: Config, peers: Peers, telemetry: Telemetry, operations: Operations, workers: Workers
    ) -> None:
        self.name = mesh.GATEWAY
        self._peers = peers
        self._telemetry = telemetry
        self._report = operations.report
        self._workers = workers
        shared = config.integer("YIBAO_WORKERS") > 1
        host, port = config.text("YIBAO_GATEWAY_HOST"), config.integer("YIBAO_GATEWAY_PORT")
        most_bytes = config.integer("YIBAO_MAX_MESSAGE_BYTES")
        most = affordable(config.integer("YIBAO_MAX_CONNECTIONS"), len(config.started_cells))
        self.connections = Connections(most, most_bytes)
        self._public = Listener(door, self.connections, host, port, _named(config, _PUBLIC_SETTINGS), shared=shared)
        self._inner = Listener(
            OperationsApp(operations),
            Connections(_OPERATIONS_CONNECTIONS, most_bytes),
            config.text("YIBAO_OPERATIONS_HOST"),
            config.operations_port,
            _named(config, _INNER_SETTINGS),
            ports=config.integer("YIBAO_WORKERS"),
        )
        self._operations = operations

    @property
    def port(self) -> int:
        """The port of the faces, the real one once started."""
        return self._public.port

    @property
    def address(self) -> str:
        """`host:port` of the faces, the real port once started."""
        return self._public.address

    async def start(self) -> None:
        """Opens the ports; StartError where one cannot be opened."""
        self._report.loop.start()
        try:
            await self._inner.start()
            self._operations.alone = self._inner.place > 0
            await self._public.start()
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, grace_s: float) -> None:
        """No new requests, a grace for running ones, then the ways to the members are closed."""
        await self._public.stop(grace_s)
        await self._inner.stop(0)
        self._report.loop.stop()
        await self._workers.close()
        await self._peers.close()
        self._telemetry.flush()


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> HttpServer:
    """The gateway, not yet running. Every codec is compiled by then: options that contradict themselves stop the start."""
    contract = Contract.of_mesh()
    peers = Peers(mesh.GATEWAY, config, signer, telemetry)
    direct = DirectBackend(peers)
    gathered = _gathering(config, contract, direct, peers, telemetry)
    backend = across_cells(gathered, gathered, direct, contract, beside_others=config.beside_others)
    chance, partners = SystemRandom(), Partners(direct, contract, config.sandbox, time.monotonic)
    shares = Shares(config.integer("YIBAO_MAX_CONCURRENT_RPCS"))
    _count_places(shares, telemetry)
    table = tables.transactions()
    observer = Observer(telemetry, {each.infno: each.method.full_name for each in table.served})
    workers = Workers(config, signer)
    report = SelfReport(mesh.GATEWAY, telemetry.metrics, config.integer("YIBAO_WORKERS"))
    operations = Operations(workers, report, cell=config.cell, first=config.cell == config.known_cells[0])
    serials, new_id = Serials(chance.getrandbits(64)), time_ordered_ids(clock, chance)
    failures, aside = Failures(time.monotonic), Aside()
    national = NationalFace(
        table, partners, shares, aside, backend, observer, clock, serials, new_id, config.sandbox, failures
    )
    mobile = None
    if (routes := tables.mobile_routes()).all and config.serves_mobile:
        apps = Apps(partners, _sm2(config))
        mobile = MobileFace(
            routes, apps, partners, shares, aside, backend, observer, clock, new_id, config.sandbox, failures
        )
    rest = RestFace(
        tables.rest_routes(),
        partners,
        shares,
        aside,
        backend,
        observer,
        config.sandbox,
        {f"{ENVELOPE_SERVICE}.CheckEnvelope": Conformance(table, Admission(signer, clock, config.sandbox)).check},
        failures,
    )
    door = Door(
        national,
        mobile,
        Doors(contract, shares, backend, observer, config.sandbox),
        rest,
        pages(rest.routes, table, lambda: server.address) | _more_pages(operations, direct, contract),
        clock,
        config.integer("YIBAO_MAX_MESSAGE_BYTES"),
        shares.admitted,
        Held(config.integer("YIBAO_MAX_BODIES_BYTES"), config.integer("YIBAO_MAX_MESSAGE_BYTES")),
        Origins(config.text("YIBAO_ALLOWED_ORIGINS"), config.sandbox),
    )
    return (server := HttpServer(door, config, peers, telemetry, operations, workers))


def _more_pages(operations: Operations, direct: DirectBackend, contract: Contract) -> dict[str, Page]:
    """What is answered to GET beside the reference: the viewer, and whether the gateway lives and is ready."""
    viewer = viewer_pages(NodeOrigins(direct, contract, time.monotonic))
    return viewer | {LIVE: operations.live, READY: operations.ready}


def _gathering(
    config: Config, contract: Contract, direct: DirectBackend, peers: Peers, telemetry: Telemetry
) -> GatheringBackend:
    """What gathers calls into batches, within the limits that are set."""
    limits = Limits(batch=config.integer("YIBAO_MAX_BATCH"), queue=config.integer("YIBAO_MAX_QUEUE"))
    return GatheringBackend(
        direct, contract, lambda unary, batch: Gatherer(unary, batch, direct, peers, telemetry, limits)
    )


def _sm2(config: Config) -> Sm2:
    """SM2 for the mobile envelope; StartError where this machine has no library for it."""
    try:
        return _checked_sm2(config.text("YIBAO_LIBCRYPTO"))
    except (Sm2Unavailable, CipherUnavailable) as error:
        raise StartError(
            f"{mesh.GATEWAY} cannot start: {error}; without the mobile envelope: YIBAO_MOBILE=off"
        ) from None


@cache
def _checked_sm2(library: str) -> Sm2:
    """One for the gateways of all cells of a process: the examples of the standards are computed once."""
    check_sm3_sm4()
    return open_sm2(library)


def _count_places(shares: Shares, telemetry: Telemetry) -> None:
    told = "Places for calls: taken by one, and waited for."
    for state, read in (("taken", lambda: float(shares.taken)), ("waiting", lambda: float(shares.waiting))):
        telemetry.metrics.gauge("yibao_places", told, {"state": state}, read)


def _named(config: Config, settings: tuple[str, str]) -> tuple[str, str]:
    """The settings of this cell's gateway."""
    host, port = settings
    return config.named(host), config.named(port)
