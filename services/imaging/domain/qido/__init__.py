"""What QIDO-RS (DICOM PS3.18, 10.6) asks, and which records answer it. Pure."""
