"""A browser, driven as a person would: by what stands on buttons and beside fields."""

from __future__ import annotations

from base64 import b64decode
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM, DRIVER = "chromium", "chromedriver"
SECONDS = 20
"""What any of it takes at most on a busy machine."""

WIDE, NARROW = (1280, 900), (390, 844)
SHOTS = Path(__file__).parent / "shots"


@contextmanager
def open_browser(url, size=WIDE, *, dark=False, languages="en-US,en"):
    """Give a `Browser` for the server at *url*."""
    options = webdriver.ChromeOptions()
    options.binary_location = which(CHROMIUM)
    # The sandbox wants rights that a container's root has not; nothing foreign is opened here.
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(one)
    options.add_experimental_option("prefs", {"intl.accept_languages": languages})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(which(DRIVER)))
    try:
        browser = Browser(driver, url)
        browser.look_like(size, dark=dark)
        yield browser
    finally:
        driver.quit()


class Browser:
    """One window. `actions` are how often somebody pressed or typed something."""

    def __init__(self, driver, url):
        self.driver = driver
        self.url = url
        self.actions = 0

    def look_like(self, size, *, dark):
        """Be a screen of this size, in the light or in the dark."""
        width, height = size
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, path):
        """Go to a page."""
        self.actions += 1
        self.driver.get(f"{self.url}/{path}")

    def sign_in(self, key, path="dashboard"):
        """Go to a page and sign in there."""
        self.open(path)
        self.type("API key", key)
        self.press("Sign in")
        self.wait_for_text("Sign out")

    # Finding

    def wait(self, condition, what):
        """Wait until *condition* gives something, and return that."""
        passing = (NoSuchElementException, StaleElementReferenceException)
        waiting = WebDriverWait(self.driver, SECONDS, 0.05, passing)
        return waiting.until(lambda _: condition(), f"{what} at {self.driver.current_url}")

    def all(self, selector):
        """All elements that a CSS selector finds and that can be seen."""
        found = self.driver.find_elements("css selector", selector)
        return [one for one in found if one.is_displayed()]

    def named(self, name, selector="button, a, summary"):
        """The one that stands in front and has this text, or this name for a screen reader."""
        front = "dialog[open] " if self.driver.find_elements("css selector", "dialog[open]") else ""
        wanted = ", ".join(f"{front}{one.strip()}" for one in selector.split(","))
        for one in self.all(wanted):
            if name in {one.text.strip(), one.accessible_name}:
                return one
        return None

    def find(self, name, selector="button, a, summary"):
        """Wait for it."""
        return self.wait(lambda: self.named(name, selector), f"no {name!r}")

    def text(self):
        """All that can be read."""
        return self.driver.find_element("css selector", "body").text

    def wait_for_text(self, text):
        """Wait until it can be read."""
        self.wait(lambda: text in self.text(), f"{text!r} is not there")

    def rows(self):
        """The text of each row of the table."""
        return [one.text for one in self.all("tbody tr")]

    # Doing

    def press(self, name):
        """Press what is called so."""
        self.actions += 1
        self._with(self.find(name), lambda one: one.click(), name)

    def _with(self, found, act, name, selector="button, a, summary"):
        """Do something with an element, found anew where the page has drawn another meanwhile."""
        try:
            act(found)
        except (StaleElementReferenceException, ElementClickInterceptedException):
            act(self.find(name, selector))

    def type(self, name, text):
        """Type into a field in place of what stands there."""
        self.actions += 1
        field = self.find(name, "input, textarea")
        field.clear()
        field.send_keys(text)

    def choose(self, name, text):
        """Choose from a list."""
        self.actions += 1
        Select(self.find(name, "select")).select_by_visible_text(text)

    # Looking

    def complaints(self):
        """What the browser wrote down: but for a first look at who is signed in, nothing."""
        log = [one["message"] for one in self.driver.get_log("browser")]
        return [one for one in log if "/v1/me " not in one or "401" not in one]

    def shoot(self, name):
        """Take a picture of the whole page."""
        SHOTS.mkdir(exist_ok=True)
        script = "return document.documentElement.scrollHeight"
        height = min(self.driver.execute_script(script), 4000)
        width, seen = self.driver.execute_script("return [innerWidth, innerHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        # Where all can be seen, Chromium moves a page from right to left by what it clips.
        asked = {"captureBeyondViewport": True, "clip": clip} if height > seen else {}
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", asked)["data"]
        (SHOTS / f"{name}.png").write_bytes(b64decode(taken))
