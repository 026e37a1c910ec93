"""An agent's loop behind Signalbox from Python: a plain WebSocket, no library of ours.

    pip install websockets
    SIGNALBOX_TOKEN=<the agent's token> AGENT_ID=<its id> python agent.py

It obeys pause, resume, terminate and messages, acknowledges each, and reports what it uses. A report keeps its
number until it is answered, so that a broken connection never counts one twice; a signal keeps its id, so that a
repeat is acknowledged and not obeyed again. PROTOCOL.md has every frame.
"""

import asyncio
import json
import os

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

URL = os.environ.get("SIGNALBOX_URL", "http://127.0.0.1:8080")
TOKEN = os.environ["SIGNALBOX_TOKEN"]
AGENT_ID = os.environ["AGENT_ID"]


class Agent:
    def __init__(self):
        self.running = asyncio.Event()
        self.terminated = asyncio.Event()
        self.obeyed = {}  # outcome by the signal's id
        self.socket = None
        self.report = None  # the one that is not answered yet
        self.answered = asyncio.Event()
        self.last_report = 0

    async def stay_connected(self):
        """Attaches again after each disconnect, until the agent is terminated."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = URL.replace("http", "ws", 1) + "/api/v1/ws"
        async for socket in connect(url, additional_headers=headers, subprotocols=["signalbox.v1"]):
            try:
                self.socket = socket
                await self.send({"type": "attach", "agent_id": AGENT_ID})
                async for text in socket:
                    if await self.take(json.loads(text)) == "over":
                        return
            except ConnectionClosed:
                pass
            finally:
                self.socket = None

    async def send(self, message):
        """What gets lost is said again after the next attach."""
        try:
            if self.socket:
                await self.socket.send(json.dumps(message))
        except ConnectionClosed:
            pass

    async def take(self, frame):
        kind = frame["type"]
        if kind == "attached":
            self.last_report = max(self.last_report, frame["last_report"])
            if frame["agent"]["status"] == "paused":
                self.running.clear()
            else:
                self.running.set()
            if self.report:  # its answer was lost: the same number again
                await self.send(self.report)
        elif kind == "signal":
            await self.obey(frame["signal"])
        elif kind == "reported" and self.report and frame["n"] == self.report["n"]:
            self.report = None
            self.answered.set()
        elif kind == "acknowledged" and self.terminated.is_set():
            return "over"
        elif kind == "detached" or (kind == "error" and frame["code"] in ("RT_002", "RT_003", "AUTH_004")):
            self.terminated.set()
            return "over"

    async def obey(self, signal):
        if signal["id"] not in self.obeyed:
            self.obeyed[signal["id"]] = "done"
            if signal["kind"] == "pause":
                self.running.clear()
            elif signal["kind"] == "resume":
                self.running.set()
            elif signal["kind"] == "terminate":
                self.terminated.set()
            else:
                print("message", signal["payload"])
        ack = {"type": "ack", "agent_id": AGENT_ID, "signal_id": signal["id"]}
        await self.send({**ack, "outcome": self.obeyed[signal["id"]]})

    async def tell(self, **what):
        """Reports, and waits for the server's answer."""
        self.last_report += 1
        self.report = {"type": "report", "agent_id": AGENT_ID, "n": self.last_report, **what}
        self.answered.clear()
        await self.send(self.report)
        await self.answered.wait()


async def work(agent):
    """The loop itself: it stands still while the agent is paused."""
    step = 0
    while True:
        await agent.running.wait()
        step += 1
        await asyncio.sleep(0.2)  # the call of a model
        usage = {"tokens_used": 40, "cost_incurred": "0.0012"}
        await agent.tell(status="working", current_task=f"step {step}", usage=usage)


async def main():
    agent = Agent()
    loop = asyncio.create_task(work(agent))
    link = asyncio.create_task(agent.stay_connected())
    await agent.terminated.wait()
    loop.cancel()
    await link
    print("over")


if __name__ == "__main__":
    asyncio.run(main())
