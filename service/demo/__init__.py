"""`massage-fhir demo`: a network of clinics that never was, so that every page and query has something to show.

    directory   the organisations and those who work there
    scenarios   what becomes of referrals: one row each, in every state of the life cycle
    patients    who is referred, and with what
    measuring   values of outcome measures that get better, worse, or stay
    care        what a clinic does: plan, visits, reports, the end
    visits      appointments, sessions and what is measured at them
    story       one referral from order to end, step by step
    world       an episode in memory: every step is ruled on as if a client had sent it
    writing     episodes into the store, with their history
    filling     workers that make and write patients side by side
    report      what a person sees of it

Each step goes through the rules that a client's request goes through; only what the database would be asked is known
here already. The same seed makes the same network, relative to the day.
"""
