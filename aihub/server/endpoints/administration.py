"""Accounts, keys, plans and budgets: each endpoint decodes, makes one call, and encodes.

Who may do what is the hub's: `Accounts.as_caller` has the rules.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ...dialects import administration as dialect
from ...dialects.queries import WHOSE, Page, list_object, read_page, read_query
from ...model.account import Budget
from ...model.units import Json
from ..call import Call
from ..http import Headers, Response
from ..routes import Action

NO_STORE: Headers = [(b"cache-control", b"no-store")]
"""With an answer that has a secret in it."""


def _plain(call: Call) -> None:
    """Refuse parameters where there are none."""
    read_query(call.request.query, {})


def _whose(call: Call) -> str:
    """Return the account that the query names, or the caller's."""
    return str(read_query(call.request.query, WHOSE).get("account", call.account))


def _page(call: Call) -> Page:
    return read_page(call.request.query)[0]


def _page_of_whose(call: Call) -> tuple[Page, str]:
    page, more = read_page(call.request.query, WHOSE)
    return page, more.get("account", call.account)


def _ended(id: str, kind: str, how: str) -> dict[str, Json]:
    return {"id": id, "object": f"{kind}.{how}", how: True}


# Accounts


async def create_account(call: Call) -> Response:
    """Make an account."""
    _plain(call)
    given = dialect.read_new_account(call.json_body())
    return await call.answer(dialect.account_object(await call.accounts.create(**given)))


async def accounts(call: Call) -> Response:
    """List accounts."""
    page = _page(call)
    found = await call.accounts.list(after=page.after, limit=page.limit + 1)
    return await call.answer(list_object([dialect.account_object(one) for one in found], page))


async def account(call: Call) -> Response:
    """Return an account."""
    _plain(call)
    found = await call.accounts.get(call.parameters["account"])
    return await call.answer(dialect.account_object(found))


async def change_account(call: Call) -> Response:
    """Change what the body names of an account."""
    _plain(call)
    given = dialect.read_account_change(call.json_body())
    changed = await call.accounts.change(call.parameters["account"], **given)
    return await call.answer(dialect.account_object(changed))


async def delete_account(call: Call) -> Response:
    """End an account and forget who it was."""
    _plain(call)
    id = call.parameters["account"]
    await call.accounts.delete(id)
    return await call.answer(_ended(id, "account", "deleted"))


# Keys


async def create_key(call: Call) -> Response:
    """Make a key; its secret is in this answer and nowhere else."""
    _plain(call)
    given = dialect.read_new_key(call.json_body())
    made = await call.accounts.create_key(given.pop("account", call.account), **given)
    shown = dialect.key_object(made.key, call.hub.now(), secret=made.secret)
    return await call.answer(shown, headers=NO_STORE)


async def keys(call: Call) -> Response:
    """List an account's keys."""
    page, whose = _page_of_whose(call)
    found = await call.accounts.keys(whose, after=page.after, limit=page.limit + 1)
    now = call.hub.now()
    return await call.answer(list_object([dialect.key_object(one, now) for one in found], page))


async def key(call: Call) -> Response:
    """Return a key."""
    found = await call.accounts.key(_whose(call), call.parameters["key"])
    return await call.answer(dialect.key_object(found, call.hub.now()))


async def change_key(call: Call) -> Response:
    """Change what the body names of a key."""
    whose, given = _whose(call), dialect.read_key_change(call.json_body())
    changed = await call.accounts.change_key(whose, call.parameters["key"], **given)
    return await call.answer(dialect.key_object(changed, call.hub.now()))


async def revoke_key(call: Call) -> Response:
    """End a key now."""
    id = call.parameters["key"]
    await call.accounts.revoke_key(_whose(call), id)
    return await call.answer(_ended(id, "key", "revoked"))


async def rotate_key(call: Call) -> Response:
    """Make a key like another, which ends; the new secret is in this answer and nowhere else."""
    whose, given = _whose(call), dialect.read_rotation(call.json_body())
    made = await call.accounts.rotate_key(whose, call.parameters["key"], **given)
    shown = dialect.key_object(made.key, call.hub.now(), secret=made.secret)
    return await call.answer(shown, headers=NO_STORE)


# Plans


async def plans(call: Call) -> Response:
    """List plans."""
    page = _page(call)
    found = await call.accounts.plans(after=page.after, limit=page.limit + 1)
    return await call.answer(list_object([dialect.plan_object(one) for one in found], page))


async def plan(call: Call) -> Response:
    """Return a plan."""
    _plain(call)
    found = await call.accounts.plan(call.parameters["plan"])
    return await call.answer(dialect.plan_object(found))


async def put_plan(call: Call) -> Response:
    """Make a plan, or change what the body names of it."""
    _plain(call)
    given = dialect.read_plan_change(call.json_body())
    name = dialect.read_plan_name(call.parameters["plan"])
    return await call.answer(dialect.plan_object(await call.accounts.set_plan(name, **given)))


async def delete_plan(call: Call) -> Response:
    """Delete a plan that nobody is on."""
    _plain(call)
    name = call.parameters["plan"]
    await call.accounts.drop_plan(name)
    return await call.answer(_ended(name, "plan", "deleted"))


# Budgets


async def _show(call: Call, budget: Budget) -> dict[str, Json]:
    return dialect.budget_object(await call.accounts.standing(budget))


async def create_budget(call: Call) -> Response:
    """Bound what an account or one of its keys may spend."""
    _plain(call)
    given = dialect.read_new_budget(call.json_body())
    made = await call.accounts.create_budget(given.pop("account", call.account), **given)
    return await call.answer(await _show(call, made))


async def budgets(call: Call) -> Response:
    """List an account's budgets, its keys' included."""
    page, whose = _page_of_whose(call)
    found = await call.accounts.budgets(whose, after=page.after, limit=page.limit + 1)
    return await call.answer(list_object([await _show(call, one) for one in found], page))


async def budget(call: Call) -> Response:
    """Return a budget, and what its present period has spent and holds."""
    found = await call.accounts.budget(_whose(call), call.parameters["budget"])
    return await call.answer(await _show(call, found))


async def change_budget(call: Call) -> Response:
    """Set what a budget may spend."""
    whose, given = _whose(call), dialect.read_budget_change(call.json_body())
    changed = await call.accounts.change_budget(whose, call.parameters["budget"], **given)
    return await call.answer(await _show(call, changed))


async def delete_budget(call: Call) -> Response:
    """End a budget."""
    id = call.parameters["budget"]
    await call.accounts.drop_budget(_whose(call), id)
    return await call.answer(_ended(id, "budget", "deleted"))


HANDLERS: Mapping[Action, Callable[[Call], Awaitable[Response]]] = {
    "create_account": create_account,
    "accounts": accounts,
    "account": account,
    "change_account": change_account,
    "delete_account": delete_account,
    "create_key": create_key,
    "keys": keys,
    "key": key,
    "change_key": change_key,
    "revoke_key": revoke_key,
    "rotate_key": rotate_key,
    "plans": plans,
    "plan": plan,
    "put_plan": put_plan,
    "delete_plan": delete_plan,
    "create_budget": create_budget,
    "budgets": budgets,
    "budget": budget,
    "change_budget": change_budget,
    "delete_budget": delete_budget,
}
