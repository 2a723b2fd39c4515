"""Documents for a person to read, made of what is handed in: the same words as HTML, as PDF and in a Composition.

    charts      one measure's course against its goal and against what counts as a change, as SVG
    templating  how HTML and SVG are written: Jinja2, every value escaped

It imports `massage` and `fhir` only.
"""
