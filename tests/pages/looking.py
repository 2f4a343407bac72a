"""The pages that there are, and what axe-core finds on one."""

VIEWS = {
    "overview": "Recent requests",
    "keys": "Generate a key",
    "usage": "Looked at every",
    "requests": "Details",
    "sessions": "Sessions",
}
PAGES = {f"dashboard#{view}": text for view, text in VIEWS.items()} | {
    "console": "The same as code",
    "status": "Providers",
}


def faults(browser, axe):
    """What axe-core finds, in short."""
    browser.driver.execute_script(axe)
    found = browser.driver.execute_async_script(
        "const done = arguments[0]; axe.run().then((told) => done(told.violations))"
    )
    return [
        (one["impact"], one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found
    ]
