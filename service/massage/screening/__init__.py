"""Safety screening: what is known of a patient held against the rules for when massage is dangerous.

`screen` is the one interpreter; its findings become DetectedIssues (`detected_issue`), urgent Communications and, in
service/cds, cards. The rules are data (service/massage/catalogue) that a licensed clinician must sign off before
clinical use. Pure: imports service.fhir only.
"""
