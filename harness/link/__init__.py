"""The serial side: records, transcripts and the device-under-test client."""
