"""Questionnaires and their responses: https://hl7.org/fhir/R4/questionnaire.html, https://hl7.org/fhir/uv/sdc/

    form        a Questionnaire as it is read: questions, options, ranges, what SDC's extensions say
    values      which values are the same answer
    enabled     whether a question is to be asked, by the answers to others
    answers     what of a response its Questionnaire does not allow
    scoring     totals of the scores of chosen options
    population  a response with what is known already
    extraction  the Observations that a response says

Pure; imports the rest of service.fhir only. Nothing is imported here: what makes Questionnaires needs `form` alone.
"""
