"""What a program asks of the server beside the browser."""

KEY = "a-key-of-the-tests"
CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]


def ask(server, path, body=None, method=None, key=KEY):
    return server.ask(path, key, body, method)


def chat(server, **more):
    return ask(server, CHAT, {"model": "gpt-4", "messages": HELLO, **more})
