"""The referral loop at work: the rules of `service.massage` put to what is stored, within the unit of work that writes.

    rules      which writes the rules see, and the one entry that rules on them
    acting     who acts in an episode: an organisation, or the patient
    again      what is sent again under an identifier that is taken
    referrals  what a ServiceRequest is, and the criteria by which it was sent before
    episode    a referral with all that hangs on it, and what of a unit belongs to it
    reach      what of a unit's references its writer sees: the rest is as if it were not there
    safety     the patient's record, screened: DetectedIssues and urgent messages
    plausibility  what no content may say: impossible scores, diagnoses and times
    reading    a referral's episode as its caller sees it, for what is told of it
    outcome_summary, outcome_parameters  $outcome-summary: whether the patient gets better
    apply, known  PlanDefinition/$apply: the draft of a plan from a protocol, and what is known where one is made
    documentation, filing  what documents are made of, and how a report is stored and offered to the referrer
    filed  a report that is stored already, under an identifier that is sent again or as the final one
    progress_report  CarePlan/$progress-report: the report back, on the way or at the end
    necessity_packet  ServiceRequest/$necessity-packet: what a payer asks for, and what of it is missing
    record_session, session_given, recorded, kept  CarePlan/$record-session: a session in one call
    door       how an operation writes: as a client's transaction does
    server     the rules and operations put together for a running service

Everything here reads; what is to be written it hands to the unit of work.
"""
