"""What a person sees in a browser, from bundled assets only: no script of ours below FHIR, no style but one sheet.

    routes, asset         the addresses outside of FHIR: landing page, interactive reference, assets
    browser               the pages below FHIR: whom to ask for what
    sheets, templating    the same as HTML, by the templates beside
    elements, values      a resource by what R4 says of its type, in words
    headline, words       what something is called, and its state
    entries, refusals     Bundles as tables, OperationOutcomes in sentences
    case, story, ...      a referral with its episode: timeline, outcomes
    work_list             what needs attention today
    links, visible        what becomes a link, and how JSON and narratives of others are shown

Imported by `app.py` alone. The pages below FHIR are handed what the engine answered, and ask it for more in the
caller's name; they know neither the store nor who the caller is.
"""
