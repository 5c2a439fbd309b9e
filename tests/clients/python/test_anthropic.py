"""The official Anthropic client through the same gateway: its own dialect, its own errors, its own request id."""

import json
import time
import uuid

import anthropic
import pytest

HELLO = [{"role": "user", "content": "How do I locate my card?"}]

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        yield client


def test_a_message_is_whole(client, gateway):
    message = client.messages.create(model=gateway.model, max_tokens=4096, messages=HELLO)
    assert message.type == "message"
    assert message.content[0].text
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0
    assert message._request_id


def test_the_stream_helper_builds_the_whole_message(client, gateway):
    with client.messages.stream(model=gateway.model, max_tokens=4096, messages=HELLO) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert message.content[0].text == "".join(pieces) != ""
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0


def test_a_raw_stream_has_every_event_in_order(client, gateway):
    events = [
        event.type
        for event in client.messages.create(model=gateway.model, max_tokens=4096, messages=HELLO, stream=True)
        if event.type != "ping"
    ]
    assert events[:2] == ["message_start", "content_block_start"]
    assert events[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(events[2:-3]) == {"content_block_delta"}


def test_a_tool_is_used(client, gateway):
    asked = {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}}
    message = client.messages.create(model=gateway.model, max_tokens=4096, messages=HELLO, **asked)
    (use,) = [block for block in message.content if block.type == "tool_use"]
    assert message.stop_reason == "tool_use"
    assert use.name == "get_weather"
    assert isinstance(use.input["city"], str)


def test_a_streamed_tool_use_is_put_together(client, gateway):
    asked = {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}}
    with client.messages.stream(model=gateway.model, max_tokens=4096, messages=HELLO, **asked) as stream:
        message = stream.get_final_message()
    (use,) = [block for block in message.content if block.type == "tool_use"]
    assert message.stop_reason == "tool_use"
    assert isinstance(use.input["city"], str)


def test_tokens_are_counted(client, gateway):
    short = client.messages.count_tokens(model=gateway.model, messages=HELLO)
    long = client.messages.count_tokens(
        model=gateway.model, messages=[{"role": "user", "content": "How do I locate my card? " * 50}]
    )
    assert 0 < short.input_tokens < long.input_tokens


def test_headers_and_unknown_fields_reach_the_service(client, gateway):
    message = client.messages.create(
        model=gateway.echo,
        max_tokens=4096,
        messages=HELLO,
        extra_headers={"anthropic-beta": "context-1m-2025-08-07"},
        extra_body={"x_note": {"kept": True}},
    )
    received = json.loads(message.content[0].text)
    assert received["headers"]["anthropic-beta"] == "context-1m-2025-08-07"
    assert received["headers"]["anthropic-version"]
    assert received["headers"]["x-api-key"] == "the-service-key"
    assert received["body"]["x_note"] == {"kept": True}
    assert gateway.key not in json.dumps(received["headers"])
    assert message.x_unknown == {"deep": [1, None, "ü"]}


def test_a_wrong_key_is_refused(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            client.messages.create(model=gateway.model, max_tokens=4096, messages=HELLO)
    assert caught.value.body["type"] == "error"
    assert caught.value.body["error"]["type"] == "authentication_error"
    assert caught.value.request_id


def test_an_unknown_model_is_told_the_known_ones(client, gateway):
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.create(model="no-such-model", max_tokens=4096, messages=HELLO)
    assert caught.value.body["error"]["type"] == "not_found_error"
    assert gateway.model in caught.value.body["error"]["message"]


def test_when_nothing_answers_the_sdk_is_told_not_to_try_again(gateway):
    sent = []
    http_client = anthropic.DefaultHttpxClient(event_hooks={"request": [sent.append]})
    with anthropic.Anthropic(
        base_url=gateway.url, api_key=gateway.key, max_retries=2, http_client=http_client
    ) as client:
        with pytest.raises(anthropic.InternalServerError) as caught:
            client.messages.create(model=gateway.gone, max_tokens=4096, messages=HELLO)
    assert caught.value.status_code == 529
    assert caught.value.body["error"]["type"] == "overloaded_error"
    assert len(sent) == 1


def test_the_caller_hears_within_its_own_timeout(client, gateway):
    # The SDK tells its timeout to the service, so the gateway may give up just before the SDK does.
    began = time.monotonic()
    with pytest.raises((anthropic.APITimeoutError, anthropic.InternalServerError)) as caught:
        client.with_options(timeout=0.5).messages.create(model=gateway.silent, max_tokens=4096, messages=HELLO)
    assert time.monotonic() - began < 2
    if not isinstance(caught.value, anthropic.APITimeoutError):
        assert caught.value.body["error"]["type"] == "timeout_error"


REPLAYED = {
    "text": {},
    "thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "tool_use": {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}},
}


@pytest.mark.parametrize("first", ["plain", "streamed"])
@pytest.mark.parametrize("kind", REPLAYED)
def test_a_message_given_again_says_the_same(gateway, kind, first):
    seen = []
    hooks = {"response": [lambda response: seen.append(response.headers["x-cache"])]}
    client = anthropic.Anthropic(
        base_url=gateway.url,
        api_key=gateway.key,
        max_retries=0,
        http_client=anthropic.DefaultHttpxClient(event_hooks=hooks),
    )
    question = [{"role": "user", "content": f"How do I locate card {uuid.uuid4()}?"}]
    request = {"model": gateway.kept, "max_tokens": 4096, "messages": question, **REPLAYED[kind]}

    def plain():
        return client.messages.create(**request)

    def streamed():
        with client.messages.stream(**request) as stream:
            return stream.get_final_message()

    ways = [plain, streamed] if first == "plain" else [streamed, plain]
    with client:
        answers = [way() for way in [ways[0], ways[0], ways[1]]]
    assert seen == ["MISS", "HIT-memory", "HIT-memory"]
    told = [
        (
            message.id,
            [block.to_dict() for block in message.content],
            message.stop_reason,
            (message.usage.input_tokens, message.usage.output_tokens),
        )
        for message in answers
    ]
    assert told[0] == told[1] == told[2]
    assert kind in {block["type"] for block in told[0][1]}


def test_models_are_listed_in_this_dialect(client, gateway):
    models = {model.id: model for model in client.models.list()}
    assert models[gateway.model].type == "model"
    assert models[gateway.model].display_name
