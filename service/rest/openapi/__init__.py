"""The OpenAPI 3.1 document: every interaction of every served type, computed from the tables that the service runs on.

`specification` puts it together: paths from the modules that end so (`operation_paths` builds those of all extended
operations), components from `schemas` (R4's types as JSON Schema), `search_parameters`, `parameters`, `headers`,
`bodies` and `errors`; the modules that end in `examples`, and the folder, hold synthetic bodies.
`writing` renders it and writes ``openapi/``, which is committed and compared by a test.
"""

from service.rest.openapi.specification import build
from service.rest.openapi.writing import document, write_files

__all__ = ["build", "document", "write_files"]
