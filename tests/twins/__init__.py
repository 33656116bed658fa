"""The twins are judged by the providers' own SDKs, unmodified, and by the rules that the providers publish."""
