"""An agent's loop with Signalbox in Python, on a plain WebSocket.

    pip install websockets
    SIGNALBOX_TOKEN=<a runtime key> AGENT_TYPE=<a type's slug> EXTERNAL_ID=crawler-7 python agent.py

It registers under its own name: the server spawns it, or finds it again. It obeys pause, resume, terminate and messages, acknowledges
each, and reports its usage. A pause that interrupts cancels the step that it is in, and the step is done again. A report
keeps its number until the server answers, so that a broken connection never counts it twice. A signal keeps its id, so that
the agent acknowledges a repeat without obeying it again. A report that the server cannot take now is sent again; a refused
one is printed and dropped. Either way the loop continues. PROTOCOL.md has every frame.
"""

import asyncio
import json
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

URL = os.environ.get("SIGNALBOX_URL", "http://127.0.0.1:8080")
TOKEN = os.environ["SIGNALBOX_TOKEN"]
EXTERNAL_ID = os.environ.get("EXTERNAL_ID", "example-1")
AGENT_TYPE = os.environ.get("AGENT_TYPE", "crawler")
ABOUT = {"capabilities": ["interrupt"], "client": "agent.py/1.0"}

FINAL = ("RT_002", "RT_003", "AUTH_004", "SYS_002")  # replaced, terminated, forbidden, unknown
REFUSED = ("VAL_001", "VAL_006")  # the same frame would be refused again
RETRY_S = 1  # after any other error


class Agent:
    def __init__(self):
        self.id = None  # known once the agent is attached
        self.running = asyncio.Event()
        self.terminated = asyncio.Event()
        self.obeyed = {}  # outcomes by signal id
        self.socket = None
        self.report = None  # the report without an answer
        self.answered = asyncio.Event()
        self.last_report = 0
        self.retries = set()
        self.step = None  # the task of the step under way

    async def stay_connected(self):
        """Attaches again after each disconnect, until the agent is terminated."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = URL.replace("http", "ws", 1) + "/api/v1/ws"
        async for socket in connect(url, additional_headers=headers, subprotocols=["signalbox.v1"]):
            try:
                self.socket = socket
                await self.send(self.introduction())
                async for text in socket:
                    if await self.take(json.loads(text)) == "over":
                        return
            except ConnectionClosed:
                pass
            finally:
                self.socket = None

    def introduction(self):
        """Registers by name; by its id once that is known, so that the loop never continues as another agent."""
        if self.id:
            return {"type": "attach", "id": "attach", "agent_id": self.id, **ABOUT}
        agent = {"external_id": EXTERNAL_ID, "name": f"Example {EXTERNAL_ID}", "agent_type": AGENT_TYPE}
        return {"type": "register", "id": "attach", **agent, "labels": {"language": "python"}, **ABOUT}

    async def send(self, message):
        """A lost message is sent again after the next attach."""
        try:
            if self.socket:
                await self.socket.send(json.dumps(message))
        except ConnectionClosed:
            pass

    async def take(self, frame):
        kind = frame["type"]
        if kind == "attached":
            self.id = frame["agent_id"]
            self.last_report = max(self.last_report, frame["last_report"])
            if frame["agent"]["status"] == "paused":
                self.running.clear()
            else:
                self.running.set()
            if self.report:  # the answer was lost: send the same number again
                await self.send(self.report)
        elif kind == "signal":
            await self.obey(frame["signal"])
        elif kind == "reported" and self.report and frame["n"] == self.report["n"]:
            self.report = None
            self.answered.set()
        elif kind == "acknowledged" and self.terminated.is_set():
            return "over"
        elif kind == "detached":
            self.terminated.set()
            return "over"
        elif kind == "error":
            return self.refused(frame)

    def refused(self, error):
        """Prints a refusal, and repeats or drops what was refused."""
        code, about = error["code"], error.get("id", "")
        print(f"refused: {code} {error['message']} {error.get('field', '')}".rstrip(), file=sys.stderr)
        if code in FINAL:
            self.terminated.set()
            return "over"
        if self.report and about == self.report["id"]:
            if code in REFUSED:
                self.report = None
                self.answered.set()
            else:
                self.again(self.report)
        elif about == "attach" and code not in REFUSED:
            self.again(self.introduction())
        # The server repeats a signal if it could not take the acknowledgement.

    def again(self, message):
        """Sends the message again after a moment, unless it is answered or a new socket has sent it."""
        socket = self.socket

        async def send():
            await asyncio.sleep(RETRY_S)
            if self.socket is socket and message["id"] in ("attach", self.report and self.report["id"]):
                await self.send(message)

        task = asyncio.create_task(send())
        self.retries.add(task)
        task.add_done_callback(self.retries.discard)

    async def obey(self, signal):
        if signal["id"] not in self.obeyed:
            self.obeyed[signal["id"]] = "done"
            if signal["kind"] == "pause":
                self.running.clear()
                if signal["mode"] == "interrupt" and self.step:
                    self.step.cancel()
            elif signal["kind"] == "resume":
                self.running.set()
            elif signal["kind"] == "terminate":
                self.terminated.set()
            else:
                print("message", signal["payload"])
        ack = {"type": "ack", "agent_id": self.id, "signal_id": signal["id"]}
        await self.send({**ack, "outcome": self.obeyed[signal["id"]]})

    async def tell(self, **what):
        """Reports, and waits for the server's answer."""
        self.last_report += 1
        n = self.last_report
        self.report = {"type": "report", "id": f"report {n}", "agent_id": self.id, "n": n, **what}
        self.answered.clear()
        await self.send(self.report)
        await self.answered.wait()


    async def interruptible(self, work):
        """Does one step. False: an order interrupted it."""
        self.step = asyncio.create_task(work)
        await asyncio.wait([self.step])
        return not self.step.cancelled()


async def call_model(step):
    """Replace it with a real call."""
    await asyncio.sleep(0.2)


async def work(agent):
    """The loop of the agent; it waits while the agent is paused."""
    step = 1
    while True:
        await agent.running.wait()
        if not await agent.interruptible(call_model(step)):
            continue  # after the resume, the same step again
        usage = {"tokens_used": 40, "cost_incurred": "0.0012"}
        await agent.tell(status="working", current_task=f"step {step}", usage=usage)
        step += 1


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
