"""The paths of one served resource type: every interaction at instance and type level, and the operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.fhir.capability import RECORDS
from service.fhir.conformance import OPERATIONS
from service.fhir.outcome import Category
from service.rest.openapi.headers import WHO_AND_WHY, request_headers
from service.rest.openapi.operation import ABSENT, BODY_REFUSED, BODY_UNREAD, CHANGE_REFUSED, component, operation
from service.rest.openapi.parameters import SEARCH_RESULT_PARAMETERS, SHAPING, parameter_references

if TYPE_CHECKING:
    from service.fhir.conformance import OperationClaim
    from service.rest.openapi.search_parameters import SearchParameters

Json = dict[str, Any]

_CONDITIONAL: Final = "If the criteria match one resource, it is {done}; if several, the answer is 412; {none}."
_PAGED: Final = "Follow the Bundle's `next` link for the next page."
_ORDER: Final = "Without `_sort` newest first, or in the order of a range that was searched for."


def type_paths(resource_type: str, search: SearchParameters) -> dict[str, Json]:
    """Path → path item, for every address below ``/{resource_type}``."""
    paths = _Paths(resource_type, search)
    root = f"/{resource_type}"
    items = {
        root: paths.root(),
        f"{root}/_search": paths.search_by_post(),
        f"{root}/_history": paths.history_of_type(),
        f"{root}/{{id}}": paths.instance(),
        f"{root}/{{id}}/_history": paths.history_of_instance(),
        f"{root}/{{id}}/_history/{{vid}}": paths.version(),
    }
    return items | paths.operations(root)


class _Paths:
    """The path items of one type; every method is one address."""

    def __init__(self, resource_type: str, search: SearchParameters) -> None:
        self._type = resource_type
        self._search = search
        self._body = component("requestBodies", resource_type)
        self._read = component("responses", resource_type)
        self._changed = component("responses", f"{resource_type}.changed")
        self._created = component("responses", f"{resource_type}.created")
        self._kept = (Category.NOT_ALLOWED,) if resource_type == RECORDS else ()

    def root(self) -> Json:
        return _item(
            get=operation(
                f"search{self._type}",
                self._type,
                f"Search {self._type}",
                description=f"{_ORDER} {_PAGED}{self._search.unsupported(self._type)}",
                parameters=[
                    *self._search.references(self._type),
                    *parameter_references(*SEARCH_RESULT_PARAMETERS),
                    *request_headers("Prefer"),
                ],
                answers={"200": component("responses", "Searchset")},
            ),
            post=operation(
                f"create{self._type}",
                self._type,
                f"Create {_a(self._type)}",
                parameters=request_headers("If-None-Exist", "Prefer", "X-Provenance"),
                body=self._body,
                answers={"200": self._changed, "201": self._created},
                failures=(*BODY_REFUSED, *CHANGE_REFUSED[:2], *self._kept),
            ),
            put=self._conditional_update(),
            patch=self._conditional_patch(),
            delete=self._conditional_delete(),
        )

    def _conditional_update(self) -> Json:
        return operation(
            f"update{self._type}ByCriteria",
            self._type,
            f"Update {_a(self._type)} found by criteria",
            description=_CONDITIONAL.format(done="updated", none="if none, the resource is created"),
            parameters=[*self._search.references(self._type), *request_headers("If-Match", "Prefer", "X-Provenance")],
            body=self._body,
            answers={"200": self._changed, "201": self._created},
            failures=(*BODY_REFUSED, *CHANGE_REFUSED, *self._kept),
        )

    def _conditional_patch(self) -> Json:
        return operation(
            f"patch{self._type}ByCriteria",
            self._type,
            f"Patch {_a(self._type)} found by criteria",
            description=_CONDITIONAL.format(done="patched", none="if none, 404"),
            parameters=[*self._search.references(self._type), *request_headers("If-Match", "Prefer", "X-Provenance")],
            body=component("requestBodies", "Patch"),
            answers={"200": self._changed},
            failures=(*ABSENT, *BODY_REFUSED, *CHANGE_REFUSED, *self._kept),
        )

    def _conditional_delete(self) -> Json:
        return operation(
            f"delete{self._type}ByCriteria",
            self._type,
            f"Delete {_a(self._type)} found by criteria",
            description=_CONDITIONAL.format(done="deleted", none="if none, there is nothing to do"),
            parameters=[*self._search.references(self._type), *request_headers("If-Match", "Prefer", "X-Provenance")],
            answers={"200": component("responses", "DeletedOutcome"), "204": component("responses", "Deleted")},
            failures=(*CHANGE_REFUSED, Category.RULE, *self._kept),
        )

    def search_by_post(self) -> Json:
        return _item(
            post=operation(
                f"search{self._type}ByPost",
                self._type,
                f"Search {self._type} with the criteria in the body",
                description="The same as the search with GET; keeps criteria out of URLs and logs.",
                parameters=request_headers("Prefer"),
                body=component("requestBodies", f"{self._type}.search"),
                answers={"200": component("responses", "Searchset")},
                failures=BODY_UNREAD,
            )
        )

    def history_of_type(self) -> Json:
        return _item(get=self._history(f"historyType{self._type}", f"History of all {self._type} resources"))

    def history_of_instance(self) -> Json:
        history = self._history(f"historyInstance{self._type}", f"History of {_a(self._type)}", missing=True)
        return _item("id", get=history)

    def _history(self, identifier: str, summary: str, *, missing: bool = False) -> Json:
        return operation(
            identifier,
            self._type,
            summary,
            description=f"Newest first. {_PAGED} Deletions are included.",
            parameters=[*parameter_references("_since", "_at", "_count", *SHAPING), *request_headers("Prefer")],
            answers={"200": component("responses", "History")},
            failures=(*(ABSENT[:1] if missing else ()), *self._kept),
        )

    def instance(self) -> Json:
        return _item("id", get=self._read_one(), put=self._update(), patch=self._patch(), delete=self._delete())

    def _read_one(self) -> Json:
        return operation(
            f"read{self._type}",
            self._type,
            f"Read {_a(self._type)}",
            parameters=[*parameter_references(*SHAPING), *request_headers("If-None-Match", "If-Modified-Since")],
            answers={"200": self._read, "304": component("responses", "NotModified")},
            failures=ABSENT,
        )

    def _update(self) -> Json:
        return operation(
            f"update{self._type}",
            self._type,
            f"Update {_a(self._type)}, or create it under this id",
            description="Send the whole resource. Identical content makes no new version. With access control an id "
            "under which a client sees nothing is 404 for it, unless it sees everything: create resources by POST.",
            parameters=request_headers("If-Match", "If-None-Match-Any", "Prefer", "X-Provenance"),
            body=self._body,
            answers={"200": self._changed, "201": self._created},
            failures=(*ABSENT[:1], *BODY_REFUSED, *CHANGE_REFUSED, *self._kept),
        )

    def _patch(self) -> Json:
        return operation(
            f"patch{self._type}",
            self._type,
            f"Patch {_a(self._type)}",
            description="The result is validated like an update before anything is stored.",
            parameters=request_headers("If-Match", "Prefer", "X-Provenance"),
            body=component("requestBodies", "Patch"),
            answers={"200": self._changed},
            failures=(*ABSENT, *BODY_REFUSED, *CHANGE_REFUSED, *self._kept),
        )

    def _delete(self) -> Json:
        return operation(
            f"delete{self._type}",
            self._type,
            f"Delete {_a(self._type)}",
            description="Earlier versions stay in the history. Deleting what is not there succeeds.",
            parameters=request_headers("If-Match", "Prefer", "X-Provenance"),
            answers={"200": component("responses", "DeletedOutcome"), "204": component("responses", "Deleted")},
            failures=(*CHANGE_REFUSED, Category.RULE, *self._kept),
        )

    def version(self) -> Json:
        read = operation(
            f"vread{self._type}",
            self._type,
            f"Read one version of {_a(self._type)}",
            parameters=[*parameter_references(*SHAPING), *request_headers("If-None-Match")],
            answers={"200": self._read, "304": component("responses", "NotModified")},
            failures=ABSENT,
        )
        return _item("id", "vid", get=read)

    def operations(self, root: str) -> dict[str, Json]:
        """Path → path item of the extended operations."""
        items = {}
        for claim in OPERATIONS:
            for level in claim.levels:
                if level == "instance":
                    items[f"{root}/{{id}}/${claim.name}"] = self._operation_on_instance(claim)
                else:
                    items[f"{root}/${claim.name}"] = self._operation_on_type(claim)
        return items

    def _operation_on_type(self, claim: OperationClaim) -> Json:
        return _item(
            post=operation(
                f"{claim.name}{self._type}",
                self._type,
                f"${claim.name} {_a(self._type)}",
                description=claim.documentation,
                parameters=[*parameter_references("mode"), self._profile()],
                body=component("requestBodies", f"{self._type}.{claim.name}"),
                answers={"200": component("responses", "Outcome")},
                failures=BODY_REFUSED,
            )
        )

    def _operation_on_instance(self, claim: OperationClaim) -> Json:
        by_method = {
            method: operation(
                f"{claim.name}{self._type}Instance{suffix}",
                self._type,
                f"${claim.name} {_a(self._type)} {ending}",
                description=claim.documentation,
                parameters=[*parameter_references("instance.mode"), self._profile()],
                body=component("requestBodies", f"{self._type}.{claim.name}") if method == "post" else None,
                answers={"200": component("responses", "Outcome")},
                failures=(*ABSENT, *(BODY_REFUSED if method == "post" else BODY_REFUSED[-1:])),
            )
            for method, suffix, ending in (("get", "ByGet", "as it is stored"), ("post", "", "for an instance"))
        }
        return _item("id", **by_method)

    def _profile(self) -> Json:
        url = f"http://hl7.org/fhir/StructureDefinition/{self._type}"
        told = "The canonical URL of a profile to validate against, beside those that the resource claims; may repeat."
        schema = {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 20}
        return {"name": "profile", "in": "query", "description": told, "schema": schema, "example": [url]}


def _item(*names: str, **operations: Json) -> Json:
    """A path item with the path's own parameters and those that any request may carry."""
    shared = [*parameter_references(*names, "_format", "_pretty"), *request_headers(*WHO_AND_WHY)]
    return {"parameters": shared, **operations}


def _a(resource_type: str) -> str:
    return f"{'an' if resource_type[0] in 'AEIO' else 'a'} {resource_type}"
