"""The ASGI application: one port, three doors."""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from mock_gateway import bank, control
from mock_gateway.gateway import Gateway
from mock_gateway.settings import Settings
from mock_gateway.vneid import citizen_app, pages, sign_in
from mock_gateway.vneid.citizen_app import Sessions
from mock_gateway.vneid.keys import load_key
from mock_gateway.vneid.provider import Provider


async def livez(_request: Request) -> Response:
    """Says that the process answers."""
    return PlainTextResponse("ok")


def create_app(settings: Settings) -> Starlette:
    """Build the application; its store opens with the lifespan."""

    gateway = Gateway(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await gateway.start()
        app.state.provider = Provider(settings, gateway.store, gateway.faults, load_key(settings.data))
        app.state.sessions = Sessions()
        try:
            yield
        finally:
            await gateway.stop()

    app = Starlette(
        routes=[
            Route("/livez", livez),
            Mount("/bank/v1", routes=bank.routes),
            Mount("/control", routes=control.routes),
            Mount("/vneid", routes=[*sign_in.routes, *citizen_app.routes, *pages.routes]),
        ],
        lifespan=lifespan,
    )
    app.state.gateway = gateway
    return app
