"""JSON of the REST face: readers and writers compiled from descriptors, equal in meaning to protobuf's own JSON mapping."""
