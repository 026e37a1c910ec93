"""A callback of LiteLLM's proxy: asks Signalbox before each call whether the agent may run (docs/enforcement.md).

Agents send their token of Signalbox in X-Signalbox-Token, beside their key of LiteLLM. Without a verdict no call is made.
"""

import asyncio
import json
import os
import urllib.error
import urllib.request

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger

VERDICT_URL = os.environ["SIGNALBOX_URL"].rstrip("/") + "/api/v1/verdict"
TIMEOUT_SECONDS = 5
HEADER = "x-signalbox-token"


def take_token(data):
    """Removes the token from each copy of the headers that LiteLLM keeps, so that no log and no provider gets it."""
    token = None
    for place in (data, data.get("proxy_server_request"), data.get("metadata"), data.get("litellm_metadata")):
        headers = place.get("headers") if isinstance(place, dict) else None
        if isinstance(headers, dict):
            token = headers.pop(HEADER, None) or token
    return token


def ask(token):
    """The status and the message to refuse with; None if the agent may run."""
    request = urllib.request.Request(VERDICT_URL, headers={HEADER: token} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            if json.load(answer).get("allowed") is True:
                return None
    except urllib.error.HTTPError as refusal:
        with refusal:
            if refusal.code in (401, 403):
                return refusal.code, json.load(refusal)["errors"][0]["message"]
    except (OSError, ValueError):
        pass
    return 503, "Signalbox gave no verdict"


class VerdictHook(CustomLogger):
    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        refusal = await asyncio.to_thread(ask, take_token(data))
        if refusal:
            status, message = refusal
            raise HTTPException(status_code=status, detail={"error": message})
        return data


hook = VerdictHook()
