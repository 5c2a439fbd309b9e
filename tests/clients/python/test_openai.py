"""The official OpenAI client through the gateway. The same file runs with the 2.x and the 3.x line.

The application changes its base URL and nothing else: these tests are written as an application is.
"""

import asyncio
import http.client
import json
import time
import urllib.parse
import uuid

import openai
import pytest

HELLO = [{"role": "user", "content": "How do I locate my card?"}]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
CALL_WEATHER = {"type": "function", "function": {"name": "get_weather"}}


@pytest.fixture
def client(gateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


def http_client(**kwargs):
    """An HTTP client of the kind this line of the SDK is built on."""
    if openai.__version__.startswith("2."):
        return openai.DefaultHttpxClient(**kwargs)
    return openai.DefaultHttpx2Client(**kwargs)


def counting_client(gateway, **kwargs):
    """A client with the SDK's own retries on, and the list of what it sent."""
    sent = []
    hooks = {"request": [sent.append]}
    client = openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=gateway.key, http_client=http_client(event_hooks=hooks), **kwargs
    )
    return client, sent


# Chat


def test_a_chat_answer_is_whole(client, gateway):
    answer = client.chat.completions.create(model=gateway.model, messages=HELLO)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id


def test_a_streamed_answer_arrives_in_pieces_and_ends_once(client, gateway):
    chunks = list(client.chat.completions.create(model=gateway.model, messages=HELLO, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason]
    assert text
    assert len(chunks) > 2
    assert finishes == ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_stream_helper_builds_the_whole_answer(client, gateway):
    with client.chat.completions.stream(model=gateway.model, messages=HELLO) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == "".join(deltas)
    assert answer.choices[0].finish_reason == "stop"


def test_usage_comes_only_when_asked_for(client, gateway):
    plain = list(client.chat.completions.create(model=gateway.model, messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in plain)
    assert all(chunk.usage is None for chunk in plain)

    asked = list(
        client.chat.completions.create(
            model=gateway.model, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert [chunk.usage is not None for chunk in asked] == [False] * (len(asked) - 1) + [True]
    assert asked[-1].choices == []
    assert asked[-1].usage.completion_tokens > 0


def test_a_stream_can_be_left(client, gateway):
    with client.chat.completions.create(model=gateway.model, messages=HELLO, stream=True) as stream:
        next(iter(stream))
    assert client.chat.completions.create(model=gateway.model, messages=HELLO).choices


def test_many_at_once_do_not_mix(gateway):
    async def ask(client, number):
        messages = [{"role": "user", "content": f"question {number}"}]
        answer = await client.chat.completions.create(model=gateway.echo, messages=messages)
        return json.loads(answer.choices[0].message.content)["body"]["messages"] == messages

    async def all_at_once():
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(40)))

    assert asyncio.run(all_at_once()) == [True] * 40


# Tools and JSON


def test_a_tool_is_called(client, gateway):
    answer = client.chat.completions.create(
        model=gateway.model, messages=HELLO, tools=[WEATHER], tool_choice=CALL_WEATHER
    )
    (call,) = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.id
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)


def test_a_streamed_tool_call_is_put_together(client, gateway):
    with client.chat.completions.stream(
        model=gateway.model, messages=HELLO, tools=[WEATHER], tool_choice=CALL_WEATHER
    ) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        answer = stream.get_final_completion()
    (call,) = answer.choices[0].message.tool_calls
    assert [event.name for event in done] == ["get_weather"]
    assert call.id
    assert call.function.arguments == done[0].arguments
    assert isinstance(json.loads(call.function.arguments)["city"], str)


def test_json_mode_gives_json(client, gateway):
    answer = client.chat.completions.create(
        model=gateway.model,
        messages=[{"role": "user", "content": "Answer in JSON."}],
        response_format={"type": "json_object"},
    )
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


# What passes through


def test_unknown_fields_survive_both_ways(client, gateway):
    answer = client.chat.completions.create(
        model=gateway.echo,
        messages=[{**HELLO[0], "x_note": "kept"}],
        extra_body={"thinking": {"type": "enabled"}, "x_big": 12345678901234567890, "x_float": 1.10},
    )
    received = json.loads(answer.choices[0].message.content)["body"]
    assert received["thinking"] == {"type": "enabled"}
    assert received["x_big"] == 12345678901234567890
    assert received["messages"] == [{**HELLO[0], "x_note": "kept"}]
    assert answer.choices[0].message.reasoning_content == "thought"
    assert answer.x_unknown == {"deep": [1, None, "ü"]}


def test_the_callers_key_stays_with_the_gateway(client, gateway):
    answer = client.chat.completions.create(model=gateway.echo, messages=HELLO)
    headers = json.loads(answer.choices[0].message.content)["headers"]
    assert headers["authorization"] == "Bearer the-service-key"
    assert gateway.key not in json.dumps(headers)


# Errors


def test_an_unknown_model_is_told_the_known_ones(client, gateway):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert "no-such-model" in caught.value.message
    assert gateway.model in caught.value.message


def test_a_body_without_a_model_is_refused(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body={"messages": HELLO}, cast_to=object)
    assert "model" in caught.value.message


def test_a_broken_body_is_refused_in_the_same_shape(gateway):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(gateway.url).netloc, timeout=10)
    headers = {"authorization": f"Bearer {gateway.key}", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", b'{"model": "deepseek-flash", "messages": [', headers)
    answer = connection.getresponse()
    error = json.loads(answer.read())["error"]
    connection.close()
    assert answer.status == 400
    assert error["message"]
    assert error["type"] == "invalid_request_error"
    assert {"param", "code"} <= error.keys()


def test_a_wrong_key_is_refused(gateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.chat.completions.create(model=gateway.model, messages=HELLO)
    assert caught.value.code == "invalid_api_key"


def test_a_key_over_its_rate_is_told_when_to_come_back(gateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.tight_key, max_retries=0) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            for _ in range(5):
                client.chat.completions.create(model=gateway.model, messages=HELLO)
    assert caught.value.code == "rate_limit_exceeded"
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


def test_the_caller_hears_within_its_own_timeout(client, gateway):
    # The SDK tells its timeout to the service, so the gateway may give up just before the SDK does.
    began = time.monotonic()
    with pytest.raises((openai.APITimeoutError, openai.InternalServerError)) as caught:
        client.with_options(timeout=0.5).chat.completions.create(model=gateway.silent, messages=HELLO)
    assert time.monotonic() - began < 2
    if not isinstance(caught.value, openai.APITimeoutError):
        assert caught.value.code == "weir_deadline_exceeded"


def test_when_nothing_answers_the_sdk_is_told_not_to_try_again(gateway):
    client, sent = counting_client(gateway, max_retries=2)
    with client, pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=gateway.gone, messages=HELLO)
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.code
    assert len(sent) == 1


def test_a_services_failures_are_not_the_callers(gateway):
    client, sent = counting_client(gateway, max_retries=2)
    with client:
        answers = [client.chat.completions.create(model=gateway.troubled, messages=HELLO) for _ in range(4)]
    assert [answer.choices[0].finish_reason for answer in answers] == ["stop"] * 4
    assert len(sent) == 4


def test_a_stream_that_breaks_off_is_never_passed_off_as_whole(client, gateway):
    def stream():
        chunks = list(client.chat.completions.create(model=gateway.troubled, messages=HELLO, stream=True))
        finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason]
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks), finishes

    # The service breaks off the first stream after a few tokens, and says the same words to the same question. So the
    # first is told whole, or as an error; half of it with an end that looks like any other would be a lie.
    try:
        first = stream()
    except openai.APIError as error:
        first = error
    second = stream()
    assert second[1] == ["stop"]
    assert isinstance(first, openai.APIError) or first == second


# Answers given again


REPLAYED = {
    "words": {},
    "thoughts": {"extra_body": {"thinking": {"type": "enabled"}}},
    "a call": {"tools": [WEATHER], "tool_choice": CALL_WEATHER},
}


def remembering_client(gateway):
    """A client, and where each of its answers came from."""
    seen = []
    hooks = {"response": [lambda response: seen.append(response.headers["x-cache"])]}
    client = openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=gateway.key, http_client=http_client(event_hooks=hooks), max_retries=0
    )
    return client, seen


def new_question():
    """Words that nobody has asked before: the suites of several SDKs share a gateway."""
    return [{"role": "user", "content": f"How do I locate card {uuid.uuid4()}?"}]


@pytest.mark.parametrize("first", ["plain", "streamed"])
@pytest.mark.parametrize("asked", REPLAYED.values(), ids=REPLAYED)
def test_a_chat_answer_given_again_says_the_same(gateway, asked, first):
    client, seen = remembering_client(gateway)
    request = {"model": gateway.kept, "messages": new_question(), **asked}

    def plain():
        return client.chat.completions.create(**request)

    def streamed():
        with client.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
            for _ in stream:
                pass
            return stream.get_final_completion()

    ways = [plain, streamed] if first == "plain" else [streamed, plain]
    with client:
        answers = [way() for way in [ways[0], ways[0], ways[1]]]
    assert seen == ["MISS", "HIT-memory", "HIT-memory"]
    told = [said(answer) for answer in answers]
    assert told[0] == told[1] == told[2]
    assert told[0]["content"] or told[0]["calls"]
    assert bool(told[0]["reasoning"]) == ("extra_body" in asked)


def said(answer):
    """What a chat answer says, as an application reads it."""
    (choice,) = answer.choices
    return {
        "id": answer.id,
        "content": choice.message.content or "",
        "reasoning": getattr(choice.message, "reasoning_content", None) or "",
        "calls": [
            (call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or []
        ],
        "finish": choice.finish_reason,
        "usage": (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens),
    }


@pytest.mark.parametrize("first", ["plain", "streamed"])
@pytest.mark.parametrize("calls", [False, True], ids=["words", "a call"])
def test_a_response_given_again_says_the_same(gateway, calls, first):
    client, seen = remembering_client(gateway)
    tool = {"type": "function", **WEATHER["function"]}
    request = {"model": gateway.kept, "input": new_question(), "tools": [tool] if calls else []}

    def streamed():
        with client.responses.stream(**request) as stream:
            for _ in stream:
                pass
            return stream.get_final_response()

    def plain():
        return client.responses.create(**request)

    ways = [plain, streamed] if first == "plain" else [streamed, plain]
    with client:
        answers = [way() for way in [ways[0], ways[0], ways[1]]]
    assert seen == ["MISS", "HIT-memory", "HIT-memory"]
    told = [
        (
            answer.id,
            answer.status,
            answer.output_text,
            [(item.name, item.arguments) for item in answer.output if item.type == "function_call"],
            answer.usage.total_tokens,
        )
        for answer in answers
    ]
    assert told[0] == told[1] == told[2]
    assert told[0][3] if calls else told[0][2]


# The other operations


def test_embeddings_are_numbers(client, gateway):
    answer = client.embeddings.create(model=gateway.embedding_model, input=["one", "two"])
    assert [entry.index for entry in answer.data] == [0, 1]
    assert all(isinstance(value, float) for entry in answer.data for value in entry.embedding)
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) > 0


def test_models_are_listed_and_found(client, gateway):
    names = [model.id for model in client.models.list()]
    assert {gateway.model, gateway.echo} <= set(names)
    model = client.models.retrieve(gateway.model)
    assert (model.id, model.object) == (gateway.model, "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_legacy_completions_plain_and_streamed(client, gateway):
    answer = client.completions.create(model=gateway.model, prompt="Once upon a time")
    assert answer.choices[0].text
    assert answer.choices[0].finish_reason == "stop"
    chunks = list(client.completions.create(model=gateway.model, prompt="Once upon a time", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks)
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]


def test_a_response_is_whole(client, gateway):
    response = client.responses.create(model=gateway.model, input="How do I locate my card?")
    assert response.status == "completed"
    assert response.output_text
    assert response._request_id


def test_a_streamed_response_is_complete_and_in_order(client, gateway):
    events = list(client.responses.create(model=gateway.model, input="How do I locate my card?", stream=True))
    numbers = [event.sequence_number for event in events]
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert numbers == sorted(set(numbers))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text


def test_the_responses_helper_builds_the_whole_answer(client, gateway):
    with client.responses.stream(model=gateway.model, input="How do I locate my card?") as stream:
        for _ in stream:
            pass
        response = stream.get_final_response()
    assert response.status == "completed"
    assert response.output_text
