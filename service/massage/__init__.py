"""What medical massage says, in packages:

    catalogue     what there is: conditions, contraindications, techniques, measures, body sites, codes of the loop
    diagnosis     all codes of ICD-10-CM
    screening     when massage is dangerous
    cycle         the life cycles of a referral and of what hangs on it: who may take which step, and what follows
    visits        how many visits there may be, were and are to come
    session       one session as a clinic tells it, and the resources that it comes to
    payers        what payers ask of sessions, visits and reports
    protocol      where a plan starts from
    assessment    the Questionnaires
    outcome       whether a patient gets better
    quality       what comes of a clinic's referrals, taken together
    profiles      what makes our resources complete
    step_codes    the steps of the life cycles as a CodeSystem
    systems       code systems of this service that several of these speak of
    data_files    the rows that most of these keep in files; fingerprint: whether the files have changed

Pure: imports service.fhir only.
"""
