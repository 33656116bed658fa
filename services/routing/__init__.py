"""The member routing: filings, registered once and read by number."""
