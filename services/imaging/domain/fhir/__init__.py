"""FHIR R4 of the index: ImagingStudy as it is searched and read, and a study's manifest after IHE MADO. Pure."""
