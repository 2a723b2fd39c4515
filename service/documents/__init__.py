"""Documents for a person to read, made of what is handed in: the same words as HTML, as PDF and in a Composition.

    case        what the documents tell of: a referral with its episode
    report      the report back to the referrer
    packet      the documentation for a payer; necessity: what of it is missing
    sections, goals, coverage, billing  the parts that these are put together from
    paper       what a document says, before it has a form
    page        a paper as HTML, and its sections as narratives
    press       a paper as PDF, by the program `typesetter` in a process of its own
    bundle      a paper as a document Bundle: Composition and what it is about
    words       names, concepts and times as they are read
    charts      one measure's course against its goal and against what counts as a change, as SVG; scale: the places
    templating  how HTML and SVG are written: Jinja2, every value escaped

It imports `massage` and `fhir` only.
"""
