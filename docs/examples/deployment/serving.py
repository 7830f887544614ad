"""
Serve forecasts over HTTP
=========================

How is a fitted model served? This script is an ASGI application of Starlette. A request has the last rows of a series.
The answer is the forecast of the next steps, with an interval.

As a script, it fits a small model on the airline passengers, saves it with skops, serves it on this machine, and
measures latency and throughput. It needs starlette, uvicorn, httpx and skops. In production, a server loads the file
that another process has saved::

    MODEL=model.skops uvicorn --factory serving:make_app --host 0.0.0.0
"""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import skops.io
from sklearn.pipeline import make_pipeline
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

import sklstm
from sklstm import ConformalForecaster, LSTMForecaster, SlidingWindow, to_supervised
from sklstm.datasets import load_airline

WINDOW, HORIZON, COVERAGE = 24, 3, 0.9
MAX_ROWS = 10_000  # of a request


def make_app(path=None):
    """Return an ASGI application that loads the model once, and answers ``POST /forecast``."""
    path = path or os.environ["MODEL"]

    @asynccontextmanager
    async def lifespan(app):
        app.state.model = skops.io.load(path, trusted=sklstm.trusted_types())
        # Compiles before the first request.
        forecast(app.state.model, np.ones((WINDOW, app.state.model.n_features_in_)))
        yield

    return Starlette(routes=[Route("/forecast", answer, methods=["POST"])], lifespan=lifespan)


async def answer(request):
    """Answer the forecast for ``{"rows": [[...], ...]}``, the oldest row first, or say what is wrong with it."""
    try:
        rows = read_rows(await request.json())
        return JSONResponse(await run_in_threadpool(forecast, request.app.state.model, rows))
    except (TypeError, ValueError) as error:  # of JSON, and of what the model was not fitted to
        return JSONResponse({"error": str(error)}, status_code=422)


def read_rows(body):
    """Return the rows of a request; null stands for a missing value."""
    rows = body.get("rows") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise ValueError('The body must be an object with "rows", a list of rows of numbers.')
    if len(rows) > MAX_ROWS:
        raise ValueError(f"There are {len(rows)} rows, and at most {MAX_ROWS} are accepted. Send the last {WINDOW}.")
    return np.array(rows, dtype=float)[-WINDOW:]  # no window reaches further back


def forecast(model, rows):
    """Return the forecast after the last row, and its interval."""
    lower, upper = model.predict_interval(rows, coverage=COVERAGE)[-1].T
    return {"forecast": model.predict(rows)[-1].tolist(), "lower": lower.tolist(), "upper": upper.tolist()}


def fit_and_save(path, **params):
    """Fit a forecaster of the airline passengers with intervals, and save it."""
    X, y = to_supervised(load_airline().data, horizon=HORIZON)
    network = LSTMForecaster(**{"units": 16, "epochs": 20, "random_state": 0, **params})
    model = ConformalForecaster(make_pipeline(SlidingWindow(WINDOW), network)).fit(X, y)
    skops.io.dump(model, path)
    return model


def measure(url, rows, n_clients, n_requests):
    """Return seconds of each request and of all, of clients that send one after the other."""
    import httpx

    def send(_):
        with httpx.Client() as client:
            times = []
            for _ in range(n_requests // n_clients):
                start = time.perf_counter()
                client.post(url, json={"rows": rows}).raise_for_status()
                times.append(time.perf_counter() - start)
        return times

    start = time.perf_counter()
    with ThreadPoolExecutor(n_clients) as threads:
        times = np.concatenate(list(threads.map(send, range(n_clients))))
    return times, time.perf_counter() - start


def main():
    import uvicorn

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        fit_and_save(path)
        server = uvicorn.Server(uvicorn.Config(make_app(path), port=0, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        rows = load_airline().data[-WINDOW:].tolist()
        print("clients  median (ms)  99 % (ms)  requests per second")
        for n_clients in (1, 8):
            times, total = measure(f"http://127.0.0.1:{port}/forecast", rows, n_clients, 400)
            median, slowest = 1000 * np.quantile(times, [0.5, 0.99])
            print(f"{n_clients:7}  {median:11.1f}  {slowest:9.1f}  {len(times) / total:19.0f}")
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
