"""An HTTP proxy in front of one server on loopback: it counts requests and can stop the world at one of them."""

import http.client
import http.server
import threading

HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding"}


class CountingProxy:
    """`with CountingProxy(port) as proxy:` forwards to 127.0.0.1:port. `lines` are the requests so far, "METHOD PATH".

    `at` = (number, "before" | "after", action): at the request with that number (from 0) action() is called, before the
    server sees it or after it has answered; the client gets no answer, nor does any later request."""

    def __init__(self, port):
        self.lines, self.at, self.fired = [], None, False
        lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                # One at a time, so that "the n-th request" means the same in every run with the same order.
                with lock:
                    number = len(proxy.lines)
                    proxy.lines.append(f"{self.command} {self.path.split('?')[0]}")
                    here = proxy.at is not None and proxy.at[0] == number
                    if proxy.fired or (here and proxy.at[1] == "before"):
                        return self.stop()
                    answer, content = self.ask(body)
                    if here:
                        return self.stop()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP_HEADERS:
                        self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def stop(self):
                if not proxy.fired:
                    proxy.fired = True
                    proxy.at[2]()
                self.close_connection = True

            def ask(self, body):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                headers = {n: v for n, v in self.headers.items() if n.lower() not in HOP_HEADERS | {"expect"}}
                connection.request(self.command, self.path, body=body or None, headers=headers)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                return answer, content

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = forward

            def handle(self):
                try:
                    super().handle()
                except OSError:  # the client was killed
                    pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
