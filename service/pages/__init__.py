"""What a person sees in a browser, from bundled assets only: no script of ours below FHIR, no style but one sheet.

    routes, asset         the addresses outside of FHIR: landing page, interactive reference, assets
    browser, sign_in      the pages below FHIR: whom to ask for what; the page on which a person gives a token
    sheets, templating    the same as HTML, by the templates beside, in the one `stylesheet`
    elements, values      a resource by what R4 says of its type; shown: what a page shows, before it is HTML
    headline, words, moments  what something is called, its state, and when
    entries, refusals     Bundles as tables, OperationOutcomes in sentences
    case, story, timeline, outcomes, report_due  a referral with its episode
    paper, drawn          a document as a page, with its charts
    work_list, and what begins with work_  what needs attention today
    links, visible, narrative  what becomes a link, and how JSON and narratives of others are shown

Imported by `app.py` alone. The pages below FHIR are handed what the engine answered, and ask it for more in the
caller's name; they know neither the store nor who the caller is.
"""
