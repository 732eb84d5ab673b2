"""Drives an MCP server with the official Python SDK, and tells on standard output what happens, one JSON object a line.

usage: mcp_client.py {tour|checking|patience|overtaking|returning} URL KEY RUN {auto|legacy}

tour      uses every tool once.
checking  starts a preview, looks until its app has gone, then waits in check_preview until it is back.
patience  calls start_preview twice. The first call gets no sign of life and is given up when the read time-out has
          passed; the second one gets progress, and is told by "outlasted" once it has waited for longer than that.
overtaking gives a call of start_preview up after a while, as the SDK does, which leaves its stream open, and calls again.
returning does the same, and calls again once the run has a preview, which is the first call's.
"""

import asyncio
import json
import sys
import time

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

READ_TIMEOUT = 2.0
# How long a call may take that is to be given up.
CALL_TIMEOUT = 0.5
# Real time has to pass between two signs of life, or nothing would show that silence is what ends a call.
PAUSE = 0.05


def say(**event):
    print(json.dumps(event), flush=True)


def outcome(result):
    return {
        "is_error": result.is_error,
        "text": result.content[0].text,
        "structured": result.structured_content,
    }


async def tour(client, run):
    say(protocol=client.protocol_version, server=client.server_info.name)
    tools = (await client.list_tools()).tools
    say(tools=[tool.name for tool in tools])
    started = await client.call_tool("start_preview", {"run_id": run, "port": 3000})
    say(start=outcome(started))
    say(list=outcome(await client.call_tool("list_previews", {"run_id": run})))
    session = started.structured_content["session_id"]
    say(stop=outcome(await client.call_tool("stop_preview", {"run_id": run, "session_id": session})))
    say(refused=outcome(await client.call_tool("start_preview", {"run_id": run, "port": 22})))
    try:
        await client.call_tool("no_such_tool", {})
    except MCPError as error:
        say(fault=error.error.code)


async def checking(client, run):
    started = await client.call_tool("start_preview", {"run_id": run, "port": 3000})
    arguments = {"run_id": run, "session_id": started.structured_content["session_id"]}
    say(started=True)
    while (await client.call_tool("check_preview", arguments)).structured_content["readiness"] == "serving":
        await asyncio.sleep(PAUSE)

    async def progress(count, total, message):
        say(progress=count, message=message)

    arguments["wait_seconds"] = 30
    say(check=outcome(await client.call_tool("check_preview", arguments, progress_callback=progress)))
    arguments["wait_seconds"] = 61
    say(refused=outcome(await client.call_tool("check_preview", arguments)))


async def patience(client, run):
    arguments = {"run_id": run, "port": 3000}
    try:
        await client.call_tool("start_preview", arguments)
    except MCPError:
        say(gave_up=True)
    began = time.monotonic()

    async def progress(count, total, message):
        await asyncio.sleep(PAUSE)
        say(progress=count, message=message, outlasted=time.monotonic() - began > 1.2 * READ_TIMEOUT)

    say(start=outcome(await client.call_tool("start_preview", arguments, progress_callback=progress)))


async def give_up(client, arguments):
    try:
        await client.call_tool("start_preview", arguments, read_timeout_seconds=CALL_TIMEOUT)
    except MCPError:
        say(gave_up=True)


async def overtaking(client, run):
    arguments = {"run_id": run, "port": 3000}
    await give_up(client, arguments)

    async def progress(count, total, message):
        say(progress=count)

    say(start=outcome(await client.call_tool("start_preview", arguments, progress_callback=progress)))


async def returning(client, run):
    arguments = {"run_id": run, "port": 3000}
    await give_up(client, arguments)
    previews = []
    while not previews:
        await asyncio.sleep(4 * PAUSE)
        previews = (await client.call_tool("list_previews", {"run_id": run})).structured_content["previews"]
    say(first=previews[0]["preview_url"])
    say(start=outcome(await client.call_tool("start_preview", arguments)))


async def main(play, url, key, run, mode):
    plays = {"tour": tour, "checking": checking, "patience": patience, "overtaking": overtaking, "returning": returning}
    silence = READ_TIMEOUT if play == "patience" else None
    http_client = httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {key}"}, timeout=httpx2.Timeout(silence), trust_env=False
    )
    async with http_client, Client(streamable_http_client(url, http_client=http_client), mode=mode) as client:
        await plays[play](client, run)


asyncio.run(main(*sys.argv[1:]))
