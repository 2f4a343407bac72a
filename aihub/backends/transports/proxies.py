"""Which proxy the environment names for a host.

The standard library reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, and the system's
own settings where there are any. Beside what it knows, a network in `NO_PROXY` (`10.0.0.0/8`) holds
for the addresses in it, and what stays on this machine goes to no proxy.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.request import getproxies, proxy_bypass

from .asks import Origin


def find_proxy(origin: Origin) -> str | None:
    """Return the URL of the proxy that leads to *origin*, or None."""
    proxies = getproxies()
    proxy = proxies.get(origin.scheme) or proxies.get("all")
    if not proxy or _stays_here(origin.host) or proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    networks = (entry.strip() for entry in proxies.get("no", "").split(",") if "/" in entry)
    if any(_is_in(origin.host, network) for network in networks):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _stays_here(host: str) -> bool:
    return host == "localhost" or _is_in(host, "127.0.0.0/8") or _is_in(host, "::1")


def _is_in(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
