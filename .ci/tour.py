"""Open every page of a built site in headless Chromium, and list what is broken: ``python .ci/tour.py build/site``.

Needs ``pip install playwright`` and the command `chromium`. Pages are opened wide and narrow, in light and in dark.
``--pictures FOLDER PAGE ...`` takes screenshots of some pages instead.
"""

import argparse
import shutil
import sys
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag, urljoin

from playwright.sync_api import sync_playwright

SIZES = {"wide": (1400, 1000), "narrow": (390, 844)}
SCHEMES = ("light", "dark")
FACTS = """() => ({
    links: [...document.querySelectorAll("a[href]")].map(a => a.href),
    ids: [...document.querySelectorAll("[id]")].map(e => e.id),
    pictures: [...document.images].map(i => ({ source: i.src, shown: i.complete && i.naturalWidth > 0, alt: i.alt })),
    beyond: document.documentElement.scrollWidth - window.innerWidth,
})"""
SEARCH = "backtest"


class QuietHandler(SimpleHTTPRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, *args):
        """Log nothing."""


def serve(folder):
    """Serve a folder on this machine, and return its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def visit(browser, url, size, scheme, broken):
    """Return the facts of a page, and note what goes wrong while it loads."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.on("console", lambda message: message.type == "error" and broken.append(f"{url}: console: {message.text}"))
    page.on("pageerror", lambda error: broken.append(f"{url}: script: {error}"))
    page.on("response", lambda response: response.status >= 400 and broken.append(f"{url}: {response.url} is missing"))
    page.goto(url, wait_until="load")
    page.evaluate("document.querySelectorAll('img').forEach(i => { i.loading = 'eager' })")
    page.wait_for_function("[...document.images].every(i => i.complete)")
    facts = page.evaluate(FACTS)
    page.close()
    broken += [f"{url}: picture {picture['source']}" for picture in facts["pictures"] if not picture["shown"]]
    if facts["beyond"] > 0:
        broken.append(f"{url}: {facts['beyond']} pixels wider than the window, {size}")
    return facts


def broken_links(found, home, site):
    """Return the links within the site whose page or anchor does not exist."""
    broken = []
    for url, facts in found.items():
        for link in facts["links"]:
            target, anchor = urldefrag(urljoin(url, link))
            if not target.startswith(home):
                continue
            if target not in found:
                if not (Path(site) / unquote(target.removeprefix(home))).is_file():
                    broken.append(f"{url}: no page {target}")
            elif anchor and unquote(anchor) not in found[target]["ids"]:
                broken.append(f"{url}: no anchor #{anchor} in {target}")
    return sorted(set(broken))


def search(browser, home, broken):
    """Return how many pages the search finds."""
    page = browser.new_page()
    page.goto(f"{home}search.html?q={SEARCH}")
    try:
        page.wait_for_selector("#search-results li a", timeout=20_000)
        return page.locator("#search-results li").count()
    except Exception as error:
        broken.append(f"search for {SEARCH!r}: {error}")
        return 0


def take_pictures(browser, home, folder, pages):
    """Take screenshots of the top of pages, in each size and scheme."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in pages:
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(home + name, wait_until="networkidle")
                file = f"{name.removesuffix('.html').replace('/', '-')}-{size}-{scheme}.png"
                page.screenshot(path=folder / file, full_page=False)
                page.close()


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("site")
parser.add_argument("--pictures", nargs="+", metavar=("FOLDER", "PAGE"))
args = parser.parse_args()

home = serve(args.site)
names = sorted(str(path.relative_to(args.site)) for path in Path(args.site).rglob("*.html"))
names = [name for name in names if not name.startswith(("_", "genindex", "search"))]
broken, found = [], {}
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    if args.pictures:
        folder, *pages = args.pictures
        take_pictures(browser, home, Path(folder), pages)
        sys.exit()
    for name in names:
        for size in SIZES:
            for scheme in SCHEMES:
                found[home + name] = visit(browser, home + name, size, scheme, broken)
    results = search(browser, home, broken)
    browser.close()
broken += broken_links(found, home, args.site)
counts = Counter(pages=len(found), visits=len(found) * len(SIZES) * len(SCHEMES), search_results=results)
for facts in found.values():
    counts.update(links=len(facts["links"]), pictures=len(facts["pictures"]))
print(*[message.replace(home, "") for message in dict.fromkeys(broken)], sep="\n")
print(", ".join(f"{count} {name}" for name, count in counts.items()), f"- {len(set(broken))} broken")
sys.exit(bool(broken))
