"""Replays a recorded minute of real traffic with the official client, five times as fast, and demands whole answers.

Open loop: each request leaves at its own time, whether or not earlier ones have been answered, as people do. The model
is served by two services: one at its weekday peak, refusing requests in bursts, and a calm one. An application that
only changed its base URL must see neither a failure nor half an answer.

Usage: replay_official.py DATA_DIR, with WEIR_URL and WEIR_KEY set.
"""

import asyncio
import collections
import csv
import datetime
import os
import pathlib
import statistics
import sys
import time
from dataclasses import dataclass

import openai

REQUESTS_MAX = 200
SPEED = 5
MODEL = "deepseek-flash"
# The client's own patience with one request.
TIMEOUT_S = 60
# Answers are cut here, so that the replay takes half a minute and not the length of its longest answer.
TOKENS_MAX = 200


@dataclass(frozen=True)
class Planned:
    """A request and when it leaves, in seconds after the first."""

    at_s: float
    prompt: str
    tokens: int
    stream: bool


@dataclass(frozen=True)
class Outcome:
    """How a request ended: `finish` is the service's word, or the name of the exception."""

    finish: str
    whole: bool
    degraded: bool
    first_s: float
    took_s: float


def plan(data: pathlib.Path) -> list[Planned]:
    with (data / "azure_llm_trace_excerpt.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[:REQUESTS_MAX]
    with (data / "banking77_excerpt.csv").open(newline="") as file:
        prompts = [row["text"] for row in csv.DictReader(file)]
    # The recording has seven decimals; Python reads six.
    times = [datetime.datetime.fromisoformat(row["TIMESTAMP"][:26]) for row in rows]
    return [
        Planned(
            at_s=(at - times[0]).total_seconds() / SPEED,
            # No two alike: a cached answer would prove nothing.
            prompt=f"({number}) {prompts[number % len(prompts)]}",
            tokens=min(int(row["GeneratedTokens"]), TOKENS_MAX),
            stream=number % 4 != 0,
        )
        for number, (at, row) in enumerate(zip(times, rows))
    ]


async def ask(client: openai.AsyncOpenAI, planned: Planned) -> tuple[str, bool, bool, float]:
    """The finish reason, whether there was text, whether the answer was marked as degraded, and the time to the
    first of it."""
    started = time.monotonic()
    arguments = {
        "model": MODEL,
        "messages": [{"role": "user", "content": planned.prompt}],
        "max_tokens": TOKENS_MAX,
        "extra_headers": {"x-mock-tokens": str(planned.tokens)},
    }
    if not planned.stream:
        raw = await client.chat.completions.with_raw_response.create(**arguments)
        choice = raw.parse().choices[0]
        degraded = "x-weir-degraded" in raw.headers
        return choice.finish_reason, bool(choice.message.content), degraded, time.monotonic() - started

    finish, text, first_s = None, "", None
    stream = await client.chat.completions.create(**arguments, stream=True)
    async for chunk in stream:
        first_s = first_s or time.monotonic() - started
        for choice in chunk.choices:
            text += choice.delta.content or ""
            assert finish is None or not choice.delta.content, "text after the end"
            finish = choice.finish_reason or finish
    degraded = "x-weir-degraded" in stream.response.headers
    return finish or "no finish reason", bool(text), degraded, first_s or 0.0


async def one(client: openai.AsyncOpenAI, planned: Planned, start: float) -> Outcome:
    await asyncio.sleep(max(0.0, start + planned.at_s - time.monotonic()))
    began = time.monotonic()
    try:
        finish, text, degraded, first_s = await ask(client, planned)
        whole = text and finish in ("stop", "length")
    except openai.OpenAIError as error:
        finish, whole, degraded, first_s = f"{type(error).__name__}: {error}"[:160], False, False, 0.0
    return Outcome(finish, whole, degraded, first_s, time.monotonic() - began)


async def replay(planned: list[Planned]) -> list[Outcome]:
    client = openai.AsyncOpenAI(
        base_url=f"{os.environ['WEIR_URL']}/v1",
        api_key=os.environ["WEIR_KEY"],
        timeout=TIMEOUT_S,
        # What is saved is saved by the gateway.
        max_retries=0,
    )
    async with client:
        start = time.monotonic()
        return await asyncio.gather(*(one(client, request, start) for request in planned))


def show(outcomes: list[Outcome]) -> None:
    def percentiles(values: list[float]) -> str:
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        return f"p50 {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s, p99 {cuts[98]:.2f} s"

    whole = sum(outcome.whole for outcome in outcomes)
    degraded = sum(outcome.degraded for outcome in outcomes)
    print(f"{len(outcomes)} requests: {whole / len(outcomes):.1%} whole, {degraded / len(outcomes):.1%} degraded")
    for finish, count in collections.Counter(outcome.finish for outcome in outcomes).most_common():
        print(f"  {count:4}  {finish}")
    print(f"  first token: {percentiles([outcome.first_s for outcome in outcomes])}")
    print(f"  whole answer: {percentiles([outcome.took_s for outcome in outcomes])}")


def main() -> int:
    outcomes = asyncio.run(replay(plan(pathlib.Path(sys.argv[1]))))
    show(outcomes)
    return 0 if all(outcome.whole for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
