// The official OpenAI client for Node through the gateway, as an application uses it. Run by Node's own test runner.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const OpenAI = require('openai').default;

const url = `${process.env.WEIR_URL}/v1`;
const model = 'deepseek-flash';
const client = new OpenAI({ baseURL: url, apiKey: process.env.WEIR_KEY, maxRetries: 0 });
const messages = [{ role: 'user', content: 'How do I locate my card?' }];
const city = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

async function all(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

test('a chat answer is whole', async () => {
  const answer = await client.chat.completions.create({ model, messages });
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.ok(answer.choices[0].message.content);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.ok(answer._request_id);
});

test('a streamed answer arrives in pieces and ends once', async () => {
  const chunks = await all(await client.chat.completions.create({ model, messages, stream: true }));
  assert.ok(chunks.length > 2);
  assert.ok(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join(''));
  assert.deepEqual(chunks.map((chunk) => chunk.choices[0].finish_reason).filter(Boolean), ['stop']);
});

test('usage comes only when asked for', async () => {
  const plain = await all(await client.chat.completions.create({ model, messages, stream: true }));
  assert.ok(plain.every((chunk) => !chunk.usage && chunk.choices.length === 1));
  const options = { stream: true, stream_options: { include_usage: true } };
  const asked = await all(await client.chat.completions.create({ model, messages, ...options }));
  assert.deepEqual(asked.at(-1).choices, []);
  assert.ok(asked.at(-1).usage.completion_tokens > 0);
});

test('the stream helper builds the whole answer', async () => {
  const stream = client.chat.completions.stream({ model, messages });
  let text = '';
  stream.on('content', (delta) => { text += delta; });
  const answer = await stream.finalChatCompletion();
  assert.equal(answer.choices[0].message.content, text);
  assert.equal(answer.choices[0].finish_reason, 'stop');
});

test('a stream can be left', async () => {
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  assert.ok((await client.chat.completions.create({ model, messages })).choices.length);
});

for (const stream of [false, true]) {
  test(`the tools helper calls the tool and goes on, ${stream ? 'streamed' : 'plain'}`, async () => {
    const called = [];
    const weather = (args) => {
      called.push(args);
      return 'sunny';
    };
    const tool = { name: 'get_weather', description: 'The weather.', parameters: city, parse: JSON.parse };
    const tools = [{ type: 'function', function: { ...tool, function: weather } }];
    const text = await client.chat.completions.runTools({ model, messages, tools, stream }).finalContent();
    assert.equal(called.length, 1);
    assert.equal(typeof called[0].city, 'string');
    assert.ok(text);
  });
}

test('errors have the classes and codes an application looks at', async () => {
  const unknown = client.chat.completions.create({ model: 'no-such-model', messages });
  await assert.rejects(unknown, (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.ok(error.message.includes(model));
    return true;
  });
  const stranger = new OpenAI({ baseURL: url, apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(stranger.chat.completions.create({ model, messages }), OpenAI.AuthenticationError);
  await assert.rejects(client.post('/chat/completions', { body: { messages } }), OpenAI.BadRequestError);
});

test('when nothing answers the client is told not to try again', async () => {
  let sent = 0;
  const counting = (...request) => {
    sent += 1;
    return fetch(...request);
  };
  const eager = new OpenAI({ baseURL: url, apiKey: process.env.WEIR_KEY, maxRetries: 2, fetch: counting });
  await assert.rejects(eager.chat.completions.create({ model: 'gone', messages }), (error) => {
    assert.ok(error instanceof OpenAI.InternalServerError);
    assert.equal(error.headers.get('x-should-retry'), 'false');
    return true;
  });
  assert.equal(sent, 1);
});

test('the caller hears within its own timeout', async () => {
  // The SDK tells its timeout to the service, so the gateway may give up just before the SDK does.
  const began = performance.now();
  const late = client.chat.completions.create({ model: 'silent', messages }, { timeout: 500 });
  await assert.rejects(late, (error) => {
    assert.ok(error instanceof OpenAI.APIConnectionTimeoutError || error.code === 'weir_deadline_exceeded');
    return true;
  });
  assert.ok(performance.now() - began < 2000);
});

test('embeddings are numbers', async () => {
  const answer = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['one', 'two'] });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.length > 0);
  assert.ok(answer.data[0].embedding.every(Number.isFinite));
});

test('models are listed and found', async () => {
  const names = (await all(client.models.list())).map((entry) => entry.id);
  assert.ok(names.includes(model));
  assert.equal((await client.models.retrieve(model)).id, model);
});

test('a streamed response is complete and in order', async () => {
  const input = 'How do I locate my card?';
  const events = await all(await client.responses.create({ model, input, stream: true }));
  assert.equal(events[0].type, 'response.created');
  assert.equal(events.at(-1).type, 'response.completed');
  const deltas = events.filter((event) => event.type === 'response.output_text.delta');
  assert.ok(deltas.map((event) => event.delta).join(''));
});

test('the responses helper builds the whole answer', async () => {
  const response = await client.responses
    .stream({ model, input: 'How do I locate my card?' })
    .finalResponse();
  assert.equal(response.status, 'completed');
  assert.ok(response.output_text);
});

// What a chat answer says, as an application reads it.
function said({ choices: [{ message, finish_reason }], usage, id }) {
  const calls = (message.tool_calls ?? []).map((call) => [call.id, call.function.name, call.function.arguments]);
  const { prompt_tokens, completion_tokens } = usage;
  const texts = [message.content ?? '', message.reasoning_content ?? ''];
  return { id, texts, calls, finish_reason, usage: [prompt_tokens, completion_tokens] };
}

// A client, and where each of its answers came from.
function remembering() {
  const seen = [];
  const remember = async (...request) => {
    const response = await fetch(...request);
    seen.push(response.headers.get('x-cache'));
    return response;
  };
  return [new OpenAI({ baseURL: url, apiKey: process.env.WEIR_KEY, maxRetries: 0, fetch: remember }), seen];
}

const offered = {
  tools: [{ type: 'function', function: { name: 'get_weather', parameters: city } }],
  tool_choice: { type: 'function', function: { name: 'get_weather' } },
};
const replayed = { words: {}, thoughts: { thinking: { type: 'enabled' } }, 'a call': offered };

for (const [name, asked] of Object.entries(replayed)) {
  for (const streamedFirst of [false, true]) {
    test(`an answer given again says the same: ${name}, first ${streamedFirst ? 'streamed' : 'plain'}`, async () => {
      const [remembers, seen] = remembering();
      const question = [{ role: 'user', content: `How do I locate card ${crypto.randomUUID()}?` }];
      const request = { model: 'kept', messages: question, ...asked };
      const plain = () => remembers.chat.completions.create(request);
      const streamed = async () => {
        const options = { stream_options: { include_usage: true } };
        const stream = remembers.chat.completions.stream({ ...request, ...options });
        // Of members that it does not know, the helper has the last piece only.
        let thoughts = '';
        stream.on('chunk', (chunk) => { thoughts += chunk.choices[0]?.delta.reasoning_content ?? ''; });
        const answer = await stream.finalChatCompletion();
        answer.choices[0].message.reasoning_content = thoughts;
        return answer;
      };
      const [first, other] = streamedFirst ? [streamed, plain] : [plain, streamed];
      const answers = [said(await first()), said(await first()), said(await other())];
      assert.deepEqual(seen, ['MISS', 'HIT-memory', 'HIT-memory']);
      assert.deepEqual(answers[1], answers[0]);
      assert.deepEqual(answers[2], answers[0]);
      assert.ok(answers[0].texts[0] || answers[0].calls.length);
      assert.equal(Boolean(answers[0].texts[1]), name === 'thoughts');
    });
  }
}

test('a response given again says the same', async () => {
  const [remembers, seen] = remembering();
  const request = { model: 'kept', input: `How do I locate card ${crypto.randomUUID()}?` };
  const streamed = () => remembers.responses.stream(request).finalResponse();
  const answers = [await streamed(), await streamed(), await remembers.responses.create(request)];
  assert.deepEqual(seen, ['MISS', 'HIT-memory', 'HIT-memory']);
  const [first, ...later] = answers.map(({ id, status, output_text, usage }) => [id, status, output_text, usage]);
  assert.ok(first[2]);
  for (const again of later) assert.deepEqual(again, first);
});
