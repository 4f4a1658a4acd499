"""The generated Python client, used as its user would.

PYTHONPATH=<folder that the package `customers_categories` was generated into> python main.py URL
"""

import datetime
import sys
import uuid

from customers_categories import (
    ApiClient,
    ApiException,
    CarriersApi,
    CatalogueApi,
    CategoriesApi,
    CategoryChange,
    CategoryChanges,
    Configuration,
    ErrorResponse,
    HistoryApi,
    PatchCustomerCategory,
    PatchDefinition,
    PostCustomerCategory,
    PostDefinition,
    PutCustomerCategory,
)

ONE_HOUR_EAST = datetime.timezone(datetime.timedelta(hours=1))
BAD_REQUEST, NOT_FOUND = (400, "MCUS.999.998"), (404, "MCUS.999.997")
CONFLICT, IN_USE = (409, "MCUS.999.994"), (409, "MCUS.999.991")
PRECONDITION_FAILED = (412, "MCUS.999.993")


def connected(key):
    """The client, which sends this API key."""
    return ApiClient(Configuration(host=sys.argv[1], api_key={"apiKey": key}))


client = connected("API_KEY")
categories, history = CategoriesApi(client), HistoryApi(client)
catalogue, carriers = CatalogueApi(client), CarriersApi(client)


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


def refused(error, call, **arguments):
    """What an answer says that has to be this error: a status, and a code or None where it has no body."""
    status, code = error
    try:
        call(**arguments)
    except ApiException as problem:
        if problem.status != status:
            sys.exit(f"FAILED: {problem} is not {status}")
        if code is None:
            return None
        if not isinstance(problem.data, ErrorResponse) or problem.data.errors[0].error.code != code:
            sys.exit(f"FAILED: {problem} is not {code}")
        return problem.data.errors[0].error.details
    sys.exit(f"FAILED: {call} is not {status}")


def written(moment):
    """A moment as RFC 3339, with an offset."""
    return moment.astimezone(ONE_HOUR_EAST).isoformat()


# What is the same for customers' categories and for definitions.


def created(call, place, body, other, **where):
    """Creates by `call`, which is repeated, with the same body and with another; returns the entity tag."""
    request = where | body
    request |= {"idempotency_key": str(uuid.uuid4()), "x_request_id": named("create")}
    answer = call(**request)
    checked(answer.status_code == 201, "it is created")
    checked(header(answer, "X-Request-Id") == request["x_request_id"], "the request has the name it was given")
    checked(header(answer, "Location").endswith(place), "and is at a place")
    checked(header(call(**request), "ETag") == header(answer, "ETag"), "a repetition is answered alike")
    checked("Idempotency-Key" in refused(CONFLICT, call, **request | other), "another request under its key is not")
    return header(answer, "ETag")


def read(get, etag, **request):
    """Reads by `get`, and not again while nothing has changed."""
    found = get(x_request_id=named("get"), **request)
    checked(found.created_at.utcoffset() == datetime.timedelta(0), "times are times")
    refused((304, None), get, if_none_match=etag, **request)
    checked(True, "not again while it stays")
    return found


def changed(call, etag, **request):
    """Changes by `call`, but not from a stale revision; returns the new entity tag."""
    terms = {"idempotency_key": str(uuid.uuid4()), "x_request_id": named("update")}
    answer = call(if_match=etag, **terms, **request)
    checked(answer.status_code == 204 and header(answer, "ETag") != etag, "it is changed")
    refused(PRECONDITION_FAILED, call, if_match=etag, **request)
    checked(True, "but not from a stale revision")
    return header(answer, "ETag")


def pages(call, limit, **request):
    """Two pages of a list."""
    page = call(limit=limit, x_request_id=named("list"), **request)
    return page, call(limit=limit, cursor=page.next_cursor, **request)


def listed(call, limit, **request):
    """The elements of the two pages."""
    first, second = pages(call, limit, **request)
    return first.categories + second.categories


def deleted(call, etag, **request):
    """Deletes by `call`, which is repeated."""
    request |= {"idempotency_key": str(uuid.uuid4()), "x_request_id": named("delete"), "if_match": etag}
    for _ in range(2):
        answer = call(reason="Contract ended + “gone”", **request)
        checked(answer.status_code == 204, "it is deleted, however often that is repeated")


def looked_back(call, created_at, **request):
    """The entries of what was created, updated and deleted."""
    first, second = pages(call, 2, **request)
    entries = first.history + second.history
    checked([each.change for each in entries] == ["deleted", "updated", "created"], "the history has it all")
    checked(entries[0].reason == "Contract ended + “gone”", "and why")
    checked(entries[2].previous is None, "and that there was nothing before")
    bounds = {"var_from": written(created_at), "to": written(entries[1].changed_at)}
    between = call(**bounds, **request)
    checked([each.change for each in between.history] == ["created"], "between two moments too")
    return entries


def customers_categories():
    where = {"org_id": "telco", "customer_id": uuid.uuid4()}
    one = {"category_id": 7, **where}

    checked(refused(NOT_FOUND, categories.list_categories, **where), "an unknown customer is a typed error")
    checked(refused(NOT_FOUND, categories.get_category, **one), "so is an unknown category")
    stranger = CategoriesApi(connected("unknown"))
    details = refused((401, "MCUS.999.996"), stranger.list_categories, **where)
    checked("x-auth-roles" in details, "an error says in its details what is wrong")
    details = refused(BAD_REQUEST, categories.list_categories, as_of="2999-12-31T23:59:59+01:00", **where)
    checked("as_of" in details, "a moment in the future is refused as such")

    create = categories.create_category_with_http_info
    body = PostCustomerCategory(id=7, value="influencer", description="Bill discount", reason="Sponsored videos")
    body, bare = ({"post_customer_category": each} for each in (body, PostCustomerCategory(id=7, value=None)))
    etag = created(create, f"/{where['customer_id']}/categories/7", body, bare, **where)
    checked("already" in refused(CONFLICT, create, **bare, **where), "it is not created twice")
    create(post_customer_category=PostCustomerCategory(id=-8, value=None), **where)
    category = read(categories.get_category, etag, **one)
    checked((category.value, category.description) == ("influencer", "Bill discount"), "it is read back")

    patch = PatchCustomerCategory(value="ambassador", description=None, reason="Loyalty campaign")
    etag = changed(categories.update_category_with_http_info, etag, patch_customer_category=patch, **one)
    seen = [(each.id, each.value, each.description) for each in listed(categories.list_categories, 1, **where)]
    checked(seen == [(-8, None, None), (7, "ambassador", None)], "it is listed as changed, page by page")
    then = {"as_of": written(category.created_at)}
    past = categories.list_categories(**then, **where)
    checked([each.value for each in past.categories if each.id == 7] == ["influencer"], "and as it was")
    checked(categories.get_category(**then, **one).description == "Bill discount", "as is the one alone")

    deleted(categories.delete_category_with_http_info, etag, **one)
    entries = looked_back(history.list_category_history, category.created_at, **one)
    checked(entries[1].previous.description == "Bill discount", "and what was before")


def made_so():
    """What customers carry is said, be it there or not."""
    where = {"org_id": "telco", "customer_id": uuid.uuid4()}
    one = {"category_id": 7, **where}
    put = categories.set_category_with_http_info
    body = PutCustomerCategory(value="gold", description="Top tier", reason="Scored")
    terms = {"if_none_match": "*", "idempotency_key": str(uuid.uuid4()), "x_request_id": named("set")}
    answer = put(put_customer_category=body, **terms, **one)
    checked(answer.status_code == 201, "one that is not there is created")
    refused(PRECONDITION_FAILED, put, put_customer_category=body, if_none_match="*", **one)
    checked(True, "where one is there, it is not")
    again = put(put_customer_category=body, **one)
    checked((again.status_code, header(again, "ETag")) == (204, header(answer, "ETag")), "what is so stays as it is")
    etag = changed(put, header(answer, "ETag"), put_customer_category=PutCustomerCategory(value="silver"), **one)
    checked(categories.get_category(**one).description is None, "what a body leaves out is cleared")

    revision, other = etag.strip('"'), uuid.uuid4()
    batch = [
        CategoryChange(
            op="set",
            customer_id=where["customer_id"],
            id=7,
            value="gold",
            description="Top tier",
            reason="Scored",
            if_match=revision,
        ),
        CategoryChange(op="delete", customer_id=where["customer_id"], id=8, reason="Scored"),
        CategoryChange(op="set", customer_id=other, id=7, value=None),
    ]
    terms = {"idempotency_key": str(uuid.uuid4()), "x_request_id": named("batch")}
    request = {"org_id": "telco", "category_changes": CategoryChanges(changes=batch), **terms}
    for _ in range(2):
        made = categories.change_categories(**request)
        outcomes = [each.outcome for each in made.results]
        checked((outcomes, made.failed) == (["updated", "absent", "created"], 0), "a batch says what became of each")
    del request["idempotency_key"]
    made = categories.change_categories(**request)
    checked(made.failed == 2 and made.results[0].error.code == PRECONDITION_FAILED[1], "and why it failed")
    checked(made.results[2].outcome == "unchanged", "one customer's failure is not another's")
    request["category_changes"] = CategoryChanges(changes=[batch[2], batch[2]])
    details = refused(BAD_REQUEST, categories.change_categories, **request)
    checked("changes[1].id" in details, "what is malformed is named by its place")


def the_catalogue():
    # Of an organisation that is new, because the history of a catalogue is the whole organisation's.
    where = {"org_id": f"telco-{uuid.uuid4()}"}
    one = {"category_id": 9, **where}
    checked(refused(NOT_FOUND, catalogue.list_definitions, **where), "an unknown catalogue is a typed error")

    define = catalogue.define_category_with_http_info
    body = PostDefinition(
        id=9,
        name="Tier",
        description="How much they spend",
        valid_values=["silver", "gold"],
        archived=False,
        reason="Asked for by billing",
    )
    body, taken = ({"post_definition": each} for each in (body, PostDefinition(id=11, name=" TIER\u200b")))
    etag = created(define, f"/{where['org_id']}/categories/9", body, taken, **where)
    details = refused(CONFLICT, define, **taken, **where)
    checked("category 9" in details, "a name is taken, also where it only looks the same")
    define(post_definition=PostDefinition(id=-10, name="Former tier", archived=True), **where)
    definition = read(catalogue.get_definition, etag, **one)
    checked(definition.description == "How much they spend" and not definition.archived, "it is read back")
    checked(definition.valid_values == ["silver", "gold"], "its values in their order")

    carry(where)

    patch = PatchDefinition(name="Level", description=None, valid_values=None, archived=True, reason="Renamed")
    etag = changed(catalogue.update_definition_with_http_info, etag, patch_definition=patch, **one)
    now = catalogue.get_definition(**one)
    checked((now.description, now.valid_values, now.archived) == (None, None, True), "what can be null is cleared")
    define(post_definition=PostDefinition(id=11, name="tier"), **where)
    checked(True, "a name that nobody has any more is free")
    patch = PatchDefinition(name="LEVEL")
    rename = {"category_id": 11, "patch_definition": patch, **where}
    checked("category 9" in refused(CONFLICT, catalogue.update_definition, **rename), "a taken one is not")

    seen = [(each.id, each.name, each.archived) for each in listed(catalogue.list_definitions, 2, **where)]
    checked(seen == [(-10, "Former tier", True), (9, "Level", True), (11, "tier", False)], "all are listed")
    then = {"as_of": written(definition.created_at)}
    past = catalogue.list_definitions(**then, **where)
    checked([each.name for each in past.categories if each.id == 9] == ["Tier"], "and as they were")
    checked(catalogue.get_definition(**then, **one).valid_values == ["silver", "gold"], "as is the one alone")

    deleted(catalogue.delete_definition_with_http_info, etag, **one)
    checked(refused(NOT_FOUND, catalogue.get_definition, **one), "what is deleted is not found")
    entries = looked_back(catalogue.list_definition_history, definition.created_at, **one)
    checked(entries[0].name is None and entries[0].previous.name == "Level", "and what it was called last")
    checked(entries[1].previous.valid_values == ["silver", "gold"], "and what was before")


def carry(where):
    """Customers are given what the catalogue allows."""
    where = {"customer_id": uuid.uuid4(), **where}

    def given(number, value):
        return {"post_customer_category": PostCustomerCategory(id=number, value=value), **where}

    details = refused(BAD_REQUEST, categories.create_category, **given(9, "Gold"))
    checked('"gold" is' in details, "a value that the catalogue does not have is refused, with the one meant")
    details = refused(NOT_FOUND, categories.create_category, **given(-10, None))
    checked("archived" in details, "an archived category is not given")
    categories.create_category(**given(9, "gold"))
    checked(categories.get_category(category_id=9, **where).value == "gold", "a value of the catalogue is")
    search(where["org_id"], where["customer_id"])


def search(org_id, customer_id):
    """Who carries a category is found, page by page, and counted."""
    one = {"org_id": org_id, "category_id": 9}
    for value in ("silver", None):
        body = PostCustomerCategory(id=9, value=value)
        categories.create_category(org_id=org_id, customer_id=uuid.uuid4(), post_customer_category=body)
    found, page = [], carriers.list_carriers(limit=1, x_request_id=named("search"), **one)
    while page.next_cursor is not None:
        found += page.customers
        page = carriers.list_carriers(limit=1, cursor=page.next_cursor, **one)
    found += page.customers
    checked(sorted(each.value or "" for each in found) == ["", "gold", "silver"], "who carries it is found")
    gold = carriers.list_carriers(value="gold", **one)
    checked([each.customer_id for each in gold.customers] == [customer_id], "and who does with one value")
    without = carriers.list_carriers(has_value=False, **one)
    checked([each.value for each in without.customers] == [None], "and who does without")
    counted = carriers.count_carriers(has_value=True, x_request_id=named("count"), **one)
    checked((counted.count, counted.precision) == (2, "exact"), "they are counted")
    checked(carriers.count_carriers(value="gold", **one).count == 1, "with one value too")
    checked(refused(IN_USE, catalogue.delete_definition, **one), "what is carried keeps its definition")
    for each in found:
        categories.delete_category(customer_id=each.customer_id, **one)


customers_categories()
made_so()
the_catalogue()
