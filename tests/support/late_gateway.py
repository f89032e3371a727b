"""A git server over HTTP behind a gateway that gives up on chosen pushes: it answers 504, and the push arrives later."""

import http.server
import os
import subprocess
import threading


class LateGateway:
    """Serves the repositories of `folder` at `url`. `late`: numbers of pushes (from 1) whose answer is lost; each arrives
    `delay` seconds later, in the middle of what the client does next."""

    def __init__(self, folder, delay=0.4):
        self.folder, self.delay = folder, delay
        self.late, self.pushes, self.arrivals = set(), 0, 0
        self._mutex, self._timers = threading.Lock(), []
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                gateway.pass_on(self, b"")

            def do_POST(self):
                body = gateway.body_of(self)
                if self.path.endswith("git-receive-pack") and gateway.loses():
                    request = gateway.request_of(self, body)
                    gateway.later(request)
                    self.send_response(504)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    gateway.pass_on(self, body)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def begin(self, *late):
        self.late, self.pushes = set(late), 0

    def loses(self):
        with self._mutex:
            self.pushes += 1
            return self.pushes in self.late

    def later(self, request):
        def arrive():
            self.answer(request)
            with self._mutex:
                self.arrivals += 1
        timer = threading.Timer(self.delay, arrive)
        timer.start()
        self._timers.append(timer)

    @staticmethod
    def body_of(handler):
        if handler.headers.get("Transfer-Encoding") != "chunked":
            return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        body = b""
        while size := int(handler.rfile.readline(), 16):
            body += handler.rfile.read(size)
            handler.rfile.readline()
        handler.rfile.readline()
        return body

    def request_of(self, handler, body):
        path, _, query = handler.path.partition("?")
        return body, {**os.environ, "GIT_PROJECT_ROOT": str(self.folder), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                      "REQUEST_METHOD": handler.command, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)),
                      "CONTENT_TYPE": handler.headers.get("Content-Type") or "", "REMOTE_USER": "u",
                      "REMOTE_ADDR": "127.0.0.1"}

    @staticmethod
    def answer(request):
        body, environment = request
        out = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        return [line.partition(": ")[::2] for line in head.decode().split("\r\n") if line], rest

    def pass_on(self, handler, body):
        headers, rest = self.answer(self.request_of(handler, body))
        handler.send_response(int(dict(headers).get("Status", "200").split()[0]))
        for name, value in headers:
            if name != "Status":
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        handler.wfile.write(rest)

    def stop(self):
        for timer in self._timers:
            timer.cancel()
            timer.join()
        self._server.shutdown()
        self._server.server_close()
