"""A client generated from openapi.yaml, used as its user would: create, read, list, change, delete, look back.

PYTHONPATH=<folder that the package `customers_categories` was generated into> python tests/generated_client.py URL
"""

import sys
import uuid

from customers_categories import AuthenticatedClient
from customers_categories.api.categories import (
    create_category,
    delete_category,
    get_category,
    list_categories,
    update_category,
)
from customers_categories.api.history import list_category_history
from customers_categories.models import (
    CustomerCategory,
    ErrorCode,
    ErrorResponse,
    HistoryEntryChange,
    PatchCustomerCategory,
    PostCustomerCategory,
)

client = AuthenticatedClient(
    base_url=sys.argv[1],
    token="API_KEY",
    auth_header_name="x-auth-roles",
    prefix="",
    raise_on_unexpected_status=True,
)
customer = uuid.uuid4()
where = {"org_id": "telco", "customer_id": customer}


def checked(condition: object, name: str) -> None:
    """An `assert` that no optimisation leaves out."""
    if not condition:
        sys.exit(f"FAILED: {name}")
    print(f"ok: {name}")


unknown = list_categories.sync(client=client, **where)
checked(
    isinstance(unknown, ErrorResponse) and unknown.errors[0].error.code == ErrorCode.MCUS_999_997,
    "an unknown customer is a typed error",
)

body = PostCustomerCategory(id=7, value="influencer", description="Bill discount")
created = create_category.sync_detailed(client=client, body=body, idempotency_key="crm-4711", **where)
repeated = create_category.sync_detailed(client=client, body=body, idempotency_key="crm-4711", **where)
checked(created.status_code == 201, "a category is created")
checked(repeated.headers["etag"] == created.headers["etag"], "a repetition is answered alike")

category = get_category.sync(client=client, category_id=7, **where)
checked(isinstance(category, CustomerCategory) and category.value == "influencer", "it is read back")
checked(category.reason is None, "what was not said is null")
checked(category.created_at.utcoffset().total_seconds() == 0, "times are times")

patch = PatchCustomerCategory(description=None, reason="Loyalty campaign")
etag = created.headers["etag"]
changed = update_category.sync_detailed(client=client, category_id=7, body=patch, if_match=etag, **where)
checked(changed.status_code == 204, "it is changed")
stale = update_category.sync(client=client, category_id=7, body=patch, if_match=etag, **where)
checked(stale.errors[0].error.code == ErrorCode.MCUS_999_993, "but not from a stale revision")

listed = list_categories.sync(client=client, **where)
checked([(each.id, each.description) for each in listed.categories] == [(7, None)], "it is listed, as changed")

deleted = delete_category.sync_detailed(client=client, category_id=7, reason="Contract ended", **where)
checked(deleted.status_code == 204, "it is deleted")

first = list_category_history.sync(client=client, limit=2, **where)
rest = list_category_history.sync(client=client, limit=2, cursor=first.next_cursor, **where)
entries = first.history + rest.history
checked(
    [entry.change for entry in entries]
    == [HistoryEntryChange.DELETED, HistoryEntryChange.UPDATED, HistoryEntryChange.CREATED],
    "the history has it all, page by page",
)
checked(entries[0].reason == "Contract ended", "and why")
checked(entries[1].previous.description == "Bill discount" and entries[2].previous is None, "and what was before")
