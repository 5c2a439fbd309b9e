"""A service that answers with what it received, so that a test can see what the gateway sent on.

Its answers carry fields that no SDK knows. Usage: echo.py PORT
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

UNKNOWN = {"deep": [1, None, "ü"]}


def chat(text: str) -> dict:
    message = {"role": "assistant", "content": text, "reasoning_content": "thought"}
    return {
        "id": "chatcmpl-echo",
        "object": "chat.completion",
        "created": 1,
        "model": "echo",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        "x_unknown": UNKNOWN,
    }


def message(text: str) -> dict:
    return {
        "id": "msg_echo",
        "type": "message",
        "role": "assistant",
        "model": "echo",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "x_unknown": UNKNOWN,
    }


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer({"status": "ready"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        text = json.dumps({"path": self.path, "headers": headers, "body": body})
        self.answer(message(text) if self.path.partition("?")[0].endswith("/messages") else chat(text))

    def answer(self, value: dict) -> None:
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
