"""The serial side: records, transcripts and the client of a device under test."""
