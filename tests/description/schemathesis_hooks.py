"""Findings of Schemathesis that are none. All checks are on; what is left out here is left out for one kind of request
and one kind of answer at a time, with the reason."""

import datetime
import re

import schemathesis
from schemathesis import GenerationMode
from schemathesis.openapi.checks import RejectedPositiveData, UnsupportedMethodResponse

# What shows nothing, beside white space.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def complaints(response):
    """What a 400 says, such as "`cursor` must be …", by the name of the field; how many more it would say, by none."""
    if response.status_code != 400:
        return {}
    details = [item["error"]["details"] for item in response.json()["errors"]]
    return {re.match("(?:`(.*?)`)?", text).group(1): text for text in details}


def beyond_schemas(name, complaint, case):
    """Whether a value is malformed in a way that JSON Schema can't say."""
    query, headers, body = case.query or {}, case.headers or {}, case.body
    element = re.fullmatch(r"changes\[(\d+)\]\.(.*)", name)
    if element and isinstance(body, dict):
        if "is another change's" in complaint or "has more than" in complaint:
            # What changes have in common can't be said of one.
            return True
        body, name = body["changes"][int(element[1])], element[2]
        if re.search("is required|where `op` is", complaint) and name in ("value", "description"):
            # Whether a change has a value is up to its `op`. Generators make less of a schema that says so.
            return True
    match name:
        case "cursor":
            # Only what the service has handed out is a cursor. (Links between operations send such ones.)
            return True
        case "as_of" | "from" | "to":
            try:
                moment = datetime.datetime.fromisoformat(str(query[name]).upper())
            except ValueError:
                # A day that its month does not have, or a second 60 in any minute.
                return True
            # What the state is asked at must not be in the future.
            return name == "as_of" and moment > datetime.datetime.now(datetime.timezone.utc)
        case "id":
            # To JSON Schema 1.0 is an integer. To the service it is not: an id has one form (see
            # docs/ARCHITECTURE.md).
            return isinstance(body, dict) and isinstance(body.get("id"), float)
        case "name":
            # That one character can be seen is said for Latin-1: patterns that mean the same in the languages of all
            # clients can't name the others.
            return isinstance(body, dict) and INVISIBLE.sub("", body.get("name", "?")).strip() == ""
        case "value":
            # Which values a category has is up to the organisation's catalogue.
            return re.search("not valid for category|null: category", complaint) is not None
        case "If-Match" | "If-None-Match":
            # Schemathesis sends `0`, which the description's pattern rules out, for what it calls a valid header.
            # That one of the two excludes the other can't be said either.
            return headers.get(name) == "0" or {"If-Match", "If-None-Match"} <= headers.keys()
    return False


@schemathesis.hook
def map_case(context, case):
    """Valid requests go without made-up cursors, which would only ever be refused."""
    if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE and case.query:
        case.query.pop("cursor", None)
    return case


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if isinstance(failure, RejectedPositiveData):
        if response.status_code == 412 and {"If-Match", "If-None-Match"} & (case.headers or {}).keys():
            # The answer to a made-up revision is 412, as is that to a creation of what is there. (Links between operations send real ones.)
            return False
        found = complaints(response)
        return not found or not all(beyond_schemas(name, text, case) for name, text in found.items())
    if isinstance(failure, UnsupportedMethodResponse):
        # PUT, PATCH and DELETE of …/categories/historical are routed, as API Gateway does it, to the operations on
        # …/categories/{category_id}, which answer that `historical` is no category id.
        historical = case.path.endswith("/historical") and case.method in ("PUT", "PATCH", "DELETE")
        return not (historical and list(complaints(response)) == ["category_id"])
    return True
