"""The generated Python client, used as its user would.

PYTHONPATH=<folder that the package `customers_categories` was generated into> python main.py URL
"""

import datetime
import sys
import uuid

from customers_categories import (
    ApiClient,
    ApiException,
    CategoriesApi,
    Configuration,
    ErrorResponse,
    HistoryApi,
    PatchCustomerCategory,
    PostCustomerCategory,
)

ONE_HOUR_EAST = datetime.timezone(datetime.timedelta(hours=1))


def connected(key):
    """The client, which sends this API key."""
    return ApiClient(Configuration(host=sys.argv[1], api_key={"apiKey": key}))


client = connected("API_KEY")
categories, history = CategoriesApi(client), HistoryApi(client)
where = {"org_id": "telco", "customer_id": uuid.uuid4()}


def checked(condition, name):
    """An `assert` that no optimisation leaves out."""
    if not condition:
        sys.exit(f"FAILED: {name}")
    print(f"ok: {name}")


def named(operation):
    """A name for a request, which has to come back."""
    return f"python-{operation}-{uuid.uuid4()}"


def header(answer, name):
    """A header of an answer, whatever case its name comes in."""
    return {each.lower(): value for each, value in answer.headers.items()}[name.lower()]


def refused(status, code, call, **arguments):
    """What an answer says that has to be this error; `code` is None where it has no body."""
    try:
        call(**arguments, **where)
    except ApiException as error:
        if error.status != status:
            sys.exit(f"FAILED: {error} is not {status}")
        if code is None:
            return None
        if not isinstance(error.data, ErrorResponse) or error.data.errors[0].error.code != code:
            sys.exit(f"FAILED: {error} is not {code}")
        return error.data.errors[0].error.details
    sys.exit(f"FAILED: {call} is not {status}")


def written(moment):
    """A moment as RFC 3339, with an offset."""
    return moment.astimezone(ONE_HOUR_EAST).isoformat()


def fails_as_described():
    checked(refused(404, "MCUS.999.997", categories.list_categories), "an unknown customer is a typed error")
    checked(refused(404, "MCUS.999.997", categories.get_category, category_id=7), "so is an unknown category")
    stranger = CategoriesApi(connected("unknown"))
    checked(
        "x-auth-roles" in refused(401, "MCUS.999.996", stranger.list_categories),
        "an error says in its details what is wrong",
    )
    checked(
        "as_of" in refused(400, "MCUS.999.998", categories.list_categories, as_of="2999-12-31T23:59:59+01:00"),
        "a moment in the future is refused as such",
    )


def creates():
    body = PostCustomerCategory(id=7, value="influencer", description="Bill discount", reason="Sponsored videos")
    request = {"idempotency_key": str(uuid.uuid4()), "x_request_id": named("create")}
    created = categories.create_category_with_http_info(post_customer_category=body, **request, **where)
    checked(created.status_code == 201, "a category is created")
    checked(header(created, "X-Request-Id") == request["x_request_id"], "the request has the name it was given")
    checked(header(created, "Location").endswith(f"/{where['customer_id']}/categories/7"), "and is at a place")
    repeated = categories.create_category_with_http_info(post_customer_category=body, **request, **where)
    checked(header(repeated, "ETag") == header(created, "ETag"), "a repetition is answered alike")
    other = PostCustomerCategory(id=7, value=None)
    refused(409, "MCUS.999.994", categories.create_category, post_customer_category=other, **request)
    categories.create_category(post_customer_category=PostCustomerCategory(id=-8, value=None), **where)
    return header(created, "ETag")


def reads(etag):
    category = categories.get_category(category_id=7, x_request_id=named("get"), **where)
    checked((category.value, category.description) == ("influencer", "Bill discount"), "it is read back")
    checked(category.created_at.utcoffset() == datetime.timedelta(0), "times are times")
    refused(304, None, categories.get_category, category_id=7, if_none_match=etag)
    checked(True, "not again while it stays")
    return category.created_at


def changes(etag):
    patch = PatchCustomerCategory(value="ambassador", description=None, reason="Loyalty campaign")
    request = {"category_id": 7, "patch_customer_category": patch, "if_match": etag}
    request |= {"idempotency_key": str(uuid.uuid4()), "x_request_id": named("update")}
    changed = categories.update_category_with_http_info(**request, **where)
    checked(changed.status_code == 204 and header(changed, "ETag") != etag, "it is changed")
    stale = {"category_id": 7, "patch_customer_category": patch, "if_match": etag}
    refused(412, "MCUS.999.993", categories.update_category, **stale)
    checked(True, "but not from a stale revision")
    return header(changed, "ETag")


def lists(created_at):
    page = categories.list_categories(limit=1, x_request_id=named("list"), **where)
    rest = categories.list_categories(limit=1, cursor=page.next_cursor, **where)
    seen = [(each.id, each.value, each.description) for each in page.categories + rest.categories]
    checked(seen == [(-8, None, None), (7, "ambassador", None)], "it is listed as changed, page by page")
    then = categories.list_categories(as_of=written(created_at), **where)
    checked([each.value for each in then.categories if each.id == 7] == ["influencer"], "and as it was")
    category = categories.get_category(category_id=7, as_of=written(created_at), **where)
    checked(category.description == "Bill discount", "as is the one alone")


def deletes(etag):
    request = {"category_id": 7, "reason": "Contract ended + “gone”", "if_match": etag}
    request |= {"idempotency_key": str(uuid.uuid4()), "x_request_id": named("delete")}
    for _ in range(2):
        deleted = categories.delete_category_with_http_info(**request, **where)
        checked(deleted.status_code == 204, "it is deleted, however often that is repeated")


def looks_back(created_at):
    page = history.list_category_history(limit=2, category_id=7, x_request_id=named("history"), **where)
    rest = history.list_category_history(limit=2, category_id=7, cursor=page.next_cursor, **where)
    entries = page.history + rest.history
    checked([each.change for each in entries] == ["deleted", "updated", "created"], "the history has it all")
    checked(entries[0].reason == "Contract ended + “gone”", "and why")
    checked(entries[1].previous.description == "Bill discount" and entries[2].previous is None, "and what was before")
    bounds = {"var_from": written(created_at), "to": written(entries[1].changed_at)}
    between = history.list_category_history(category_id=7, **bounds, **where)
    checked([each.change for each in between.history] == ["created"], "between two moments too")


fails_as_described()
first = creates()
created = reads(first)
second = changes(first)
lists(created)
deletes(second)
looks_back(created)
