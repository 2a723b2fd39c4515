"""The referral loop at work: the rules of `service.massage` put to what is stored, within the unit of work that writes.

    server     the rules and operations put together for a running service
    rules      which writes the rules see, and the one entry that rules on them; said: what senders are told beside
    referrals  what a ServiceRequest is, and the criteria by which it was sent before
    again      what is sent again under an identifier that is taken
    episode    a referral with all that hangs on it, and what of a unit belongs to it
    reach      what of a unit's references its writer sees: the rest is as if it were not there
    acting     who acts in an episode: an organisation, or the patient
    grounds    what a referral stands on: its patient, its reasons, who pays
    elsewhere  who would be in two sessions at once, over all referrals
    safety     the patient's record, screened: DetectedIssues and urgent messages
    plausibility, diagnoses  what no content may say: impossible scores, diagnoses and times
    responses, forms  what is answered, held against its Questionnaire
    achievement  goals whose achievement follows from what is measured
    settling   what a verdict comes to: refusals, or what is written beside

    reading    a referral's episode as its caller sees it, for what is told of it
    visits     ServiceRequest/$visits: how many there may be, were and are to come
    outcome_summary, outcome_parameters  ServiceRequest/$outcome-summary: whether the patient gets better
    outcome_measures, outcome_account  Organization/$outcome-measures: what comes of a clinic's referrals
    apply, known  PlanDefinition/$apply: the draft of a plan from a protocol, and what is known where one is made
    populate, extract, validate  the operations on questionnaires and their responses
    record_session, session_given, recorded, kept  CarePlan/$record-session: a session in one call
    progress_report  CarePlan/$progress-report: the report back, on the way or at the end
    necessity_packet  ServiceRequest/$necessity-packet: what a payer asks for, and what of it is missing
    documentation, filing  what documents are made of, and how a report is stored and offered to the referrer
    filed      a report that is stored already, under an identifier that is sent again or as the final one
    door       how an operation writes: as a client's transaction does

Everything but `door` reads; what is to be written it hands to the unit of work.
"""
