"""The server as an editor meets it: a process that speaks on its standard input and output."""

from __future__ import annotations

import sys

import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities


@pytest_lsp.fixture(
    config=ClientServerConfig(server_command=[sys.executable, "-m", "graphnn", "lsp"]),
    scope="module",
    loop_scope="module",
)
async def client(lsp_client: LanguageClient):
    lsp_client.registered = []

    @lsp_client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(params: types.RegistrationParams) -> None:
        lsp_client.registered += params.registrations

    capabilities = client_capabilities("visual_studio_code")
    found = await lsp_client.initialize_session(types.InitializeParams(capabilities))
    lsp_client.found = found
    yield
    await lsp_client.shutdown_session()
