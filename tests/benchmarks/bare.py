"""The yardstick: the least that FastAPI and asyncpg can do with the same Postgres, honestly.

One row in by primary key, one row (or 20) out by primary key; no FHIR, no validation, no index rows, no history. The
body is stored as `json` without being parsed here; the pool issues no reset query, because the service's does not
either.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, Path, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DATABASE_URL: Final = "BARE_DATABASE_URL"
"""The environment variable that names the yardstick's database."""
TABLE: Final = "CREATE TABLE IF NOT EXISTS bare (id uuid PRIMARY KEY, content json NOT NULL)"
PAGES_TABLE: Final = """CREATE TABLE IF NOT EXISTS bare_page
(number int NOT NULL, place int NOT NULL, content json NOT NULL, PRIMARY KEY (number, place))"""
PAGE_ROWS: Final = 20
_SELECT_PAGE: Final = "SELECT content FROM bare_page WHERE number = $1"
_SELECT: Final = "SELECT content FROM bare WHERE id = $1"
_INSERT: Final = "INSERT INTO bare (id, content) VALUES ($1, $2)"
_MEDIA_TYPE: Final = "application/fhir+json"


async def _no_reset(_: object) -> None:
    return


def create_app() -> FastAPI:
    """The yardstick's application, for ``uvicorn --factory``."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ[DATABASE_URL], min_size=2, max_size=8, reset=_no_reset) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/bare/ready")
    async def ready() -> Response:
        return Response()

    @app.get("/bare/page/{number}")
    async def page(request: Request, number: Annotated[int, Path()]) -> Response:
        rows = await request.app.state.pool.fetch(_SELECT_PAGE, number)
        return Response('{"entry":[' + ",".join([row[0] for row in rows]) + "]}", media_type=_MEDIA_TYPE)

    @app.get("/bare/{identifier}")
    async def select(request: Request, identifier: Annotated[UUID, Path()]) -> Response:
        content = await request.app.state.pool.fetchval(_SELECT, identifier)
        return Response(status_code=404) if content is None else Response(content, media_type=_MEDIA_TYPE)

    @app.post("/bare")
    async def insert(request: Request) -> Response:
        body = await request.body()
        identifier = uuid4()
        await request.app.state.pool.execute(_INSERT, identifier, body.decode())
        location = f"/bare/{identifier}"
        return Response(body, status_code=201, headers={"location": location}, media_type=_MEDIA_TYPE)

    return app
