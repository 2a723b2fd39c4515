"""The codes that diagnoses come in: all of ICD-10-CM, compiled from `simple-icd-10-cm` by `compiler`."""

from service.massage.diagnosis.icd10cm import FOLDER, Classification, load, plain

__all__ = ["FOLDER", "Classification", "load", "plain"]
