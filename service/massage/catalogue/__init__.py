"""The clinical catalogue: rows that a clinician can read (`*.toml` beside this), and the FHIR resources made of them.

`load` reads the rows, `resources` makes CodeSystems, ValueSets and ConceptMaps of them, `fingerprint` tells cheaply
whether they may have changed. Imports service.fhir only.
"""

from service.massage.catalogue.published import SIGN_OFF
from service.massage.catalogue.publishing import fingerprint, resources
from service.massage.catalogue.rows import load

__all__ = ["SIGN_OFF", "fingerprint", "load", "resources"]
