"""CDS Hooks 2.0: an EHR asks what the safety rules say while somebody orders massage.

https://cds-hooks.hl7.org/2.0/. The findings are those of the screening of referrals: the same ids, the same words. An
order that is only being considered is screened and forgotten; nothing is stored.
"""
